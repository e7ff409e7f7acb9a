/* SPDX-License-Identifier: ISC */
#include "model/record.h"

#include "model/issuer.h"
#include "model/session.h"
#include "model/signing_key.h"
#include "model/token.h"
#include "model/user.h"
#include "support/test.h"

static const struct record_type *const types[] = { &user_record_type,
	&signing_key_record_type, &issuer_keys_record_type,
	&subject_record_type, &session_record_type, &claims_record_type };

static size_t
size_of(const struct column *column)
{
	switch (column->type) {
	case COLUMN_INTEGER: return sizeof(int64_t);
	case COLUMN_BOOL: return sizeof(bool);
	case COLUMN_ENUM: return sizeof(unsigned);
	case COLUMN_OWNED_TEXT: return sizeof(char *);
	case COLUMN_TEXT:
	case COLUMN_BYTES:
	case COLUMN_BLOB: break;
	}
	return column->size;
}

TEST(columns_have_the_size_of_their_type)
{
	for (size_t i = 0; i < NELEMS(types); i++) {
		for (size_t k = 0; k < types[i]->columns_n; k++) {
			const struct column *column = &types[i]->columns[k];

			if (column->size != size_of(column))
				fail_msg("%s", column->name);
			if (column->type == COLUMN_ENUM)
				assert_non_null(column->names);
		}
	}
}

/* What no column covers is padding: less than a word after each member. */
TEST(each_member_is_a_column_once)
{
	for (size_t i = 0; i < NELEMS(types); i++) {
		const struct record_type *type = types[i];
		size_t covered = 0;

		for (size_t k = 0; k < type->columns_n; k++) {
			const struct column *column = &type->columns[k];

			for (size_t j = 0; j < k; j++) {
				const struct column *other = &type->columns[j];

				assert_true(column->offset + column->size <=
					other->offset ||
				    other->offset + other->size <=
					column->offset);
				assert_string_not_equal(
				    column->name, other->name);
			}
			covered += column->size;
			if (column->type == COLUMN_BLOB)
				covered += sizeof(size_t);
		}
		assert_true(covered <= type->size);
		assert_true(
		    type->size - covered < type->columns_n * sizeof(int64_t));
	}
}

TEST(enum_values_have_names)
{
	static const char *const names[] = { "none", "one", "two" };
	static const struct enum_names numbers = { names, NELEMS(names) };

	assert_string_equal(record_enum_name(&numbers, 2), "two");
	assert_string_equal(record_enum_name(&numbers, 3), "none");
	assert_int_equal(record_enum_value(&numbers, "two"), 2);
	assert_int_equal(record_enum_value(&numbers, "three"), 0);
	assert_int_equal(record_enum_value(&numbers, "none"), 0);
}
