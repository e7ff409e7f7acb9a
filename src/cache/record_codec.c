/* SPDX-License-Identifier: ISC */
#include "cache/record_codec.h"

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "base/secret.h"
#include "cache/memory_cache.h"
#include "model/record.h"
#include "model/session.h"
#include "model/user.h"

/* No column takes more bytes than the member that it comes from. */
_Static_assert(1 + sizeof(struct user) <= MEMORY_CACHE_DATA_MAX &&
	1 + sizeof(struct session) <= MEMORY_CACHE_DATA_MAX &&
	TOKEN_DIGEST_BYTES + 1 + sizeof(struct claims) <= MEMORY_CACHE_DATA_MAX,
    "every valid record fits");

/* ---- encoding ---- */

static size_t
encode_column(const struct column *column, const unsigned char *member,
    unsigned char *dst)
{
	size_t len;
	uint64_t number;
	unsigned value;

	switch (column->type) {
	case COLUMN_INTEGER:
		memcpy(&number, member, sizeof(number));
		number = htole64(number);
		memcpy(dst, &number, sizeof(number));
		return sizeof(number);
	case COLUMN_ENUM:
		memcpy(&value, member, sizeof(value));
		*dst = (unsigned char)value;
		return 1;
	case COLUMN_TEXT:
		len = strlen((const char *)member) + 1;
		assert(len <= column->size);
		memcpy(dst, member, len);
		return len;
	default: assert(!"a column that no cached record has"); return 0;
	}
}

static void
encode_after(const struct record_type *type, const void *record, size_t start,
    struct memory_cache_entry *e)
{
	unsigned char *data = (unsigned char *)e->data, *dst = data + start;

	*dst++ = RECORD_CODEC_VERSION;
	for (size_t i = 0; i < type->columns_n; i++) {
		const struct column *column = &type->columns[i];

		dst += encode_column(column,
		    (const unsigned char *)record + column->offset, dst);
	}
	e->len = (uint64_t)(dst - data);
}

/* ---- decoding ---- */

struct encoded {
	const unsigned char *at;
	size_t left;
};

static bool
decode_column(const struct column *column, struct encoded *in, void *member)
{
	size_t len;
	uint64_t number;
	unsigned value;
	const unsigned char *end;

	switch (column->type) {
	case COLUMN_INTEGER:
		len = sizeof(number);
		if (in->left < len)
			return false;
		memcpy(&number, in->at, len);
		number = le64toh(number);
		memcpy(member, &number, len);
		break;
	case COLUMN_ENUM:
		len = 1;
		if (in->left < len)
			return false;
		value = *in->at;
		if (value == 0 || value >= column->names->n)
			return false;
		memcpy(member, &value, sizeof(value));
		break;
	case COLUMN_TEXT:
		len = in->left < column->size ? in->left : column->size;
		end = memccpy(member, in->at, '\0', len);
		if (end == NULL)
			return false;
		len = (size_t)(end - (const unsigned char *)member);
		break;
	default: return false;
	}
	in->at += len;
	in->left -= len;
	return true;
}

static bool
decode_columns(
    const struct record_type *type, struct encoded in, unsigned char *record)
{
	if (in.left == 0 || *in.at != RECORD_CODEC_VERSION)
		return false;
	in.at++;
	in.left--;
	for (size_t i = 0; i < type->columns_n; i++) {
		const struct column *column = &type->columns[i];

		if (!decode_column(column, &in, record + column->offset))
			return false;
	}
	return in.left == 0 && type->is_valid(record);
}

static enum err
decode_after(const struct record_type *type, const struct memory_cache_entry *e,
    size_t start, void *record_out)
{
	const unsigned char *data = (const unsigned char *)e->data;

	memset(record_out, 0, type->size);
	if (e->len >= start && e->len <= MEMORY_CACHE_DATA_MAX &&
	    decode_columns(type,
		(struct encoded){ data + start, (size_t)e->len - start },
		record_out))
		return ERR_OK;
	memset(record_out, 0, type->size);
	return ERR_INVALID;
}

/* ---- records ---- */

void
record_encode(const struct record_type *type, const void *record,
    struct memory_cache_entry *e)
{
	encode_after(type, record, 0, e);
}

enum err
record_decode(const struct record_type *type,
    const struct memory_cache_entry *e, void *record_out)
{
	return decode_after(type, e, 0, record_out);
}

void
record_encode_claims(const unsigned char digest[TOKEN_DIGEST_BYTES],
    const struct claims *claims, struct memory_cache_entry *e)
{
	memcpy(e->data, digest, TOKEN_DIGEST_BYTES);
	encode_after(&claims_record_type, claims, TOKEN_DIGEST_BYTES, e);
}

enum err
record_decode_claims(const unsigned char digest[TOKEN_DIGEST_BYTES],
    const struct memory_cache_entry *e, struct claims *claims_out)
{
	enum err err = decode_after(
	    &claims_record_type, e, TOKEN_DIGEST_BYTES, claims_out);

	if (err == ERR_OK &&
	    !secret_equal(e->data, digest, TOKEN_DIGEST_BYTES)) {
		memset(claims_out, 0, sizeof(*claims_out));
		err = ERR_INVALID;
	}
	return err;
}
