/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"
#include "cache/memory_cache.h"
#include "cache/record_codec.h"
#include "cache/seal.h"
#include "model/record.h"
#include "model/session.h"
#include "model/token.h"
#include "model/user.h"

/* Not assert(): it must hold in every build. */
static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
is_zero(const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

/* What is decoded encodes to the same bytes; what is refused is all zero. */
static void
try_record(const struct record_type *type, const uint8_t *data, size_t size)
{
	struct memory_cache_entry entry, again;
	union {
		struct user user;
		struct session session;
		struct claims claims;
		unsigned char bytes[sizeof(struct user)];
	} record;

	entry.len = size;
	memcpy(entry.data, data, size);
	memset(&record, 0x5a, sizeof(record));
	if (record_decode(type, &entry, &record) != ERR_OK) {
		must(is_zero(record.bytes, type->size));
		return;
	}
	must(type->is_valid(&record));
	record_encode(type, &record, &again);
	must(again.len == size && memcmp(again.data, data, size) == 0);
}

/*
 * Nothing that was not sealed opens, and what is sealed opens as it was, but
 * not once a bit of it has changed.
 */
static void
try_seal(const uint8_t *data, size_t size)
{
	static const unsigned char key[SECRET_KEY_BYTES] = "a key to fuzz with";
	const struct seal_binding binding = { .key = "user:1",
		.version = { (unsigned char)size } };
	struct buf sealed = { 0 }, plain = { 0 };
	size_t bit;

	must(seal_open(key, &binding, data, size, &plain) == ERR_DENIED);
	must(plain.len == 0);
	must(seal_close(key, &binding, data, size, &sealed) == ERR_OK);
	must(seal_open(key, &binding, sealed.data, sealed.len, &plain) ==
	    ERR_OK);
	must(plain.len == size);
	must(size == 0 || memcmp(plain.data, data, size) == 0);
	buf_reset(&plain);
	bit = (size > 0 ? data[0] * 37u : 5) % (sealed.len * 8);
	sealed.data[bit / 8] ^= (char)(1 << bit % 8);
	must(seal_open(key, &binding, sealed.data, sealed.len, &plain) ==
	    ERR_DENIED);
	must(plain.len == 0);
	buf_clear(&sealed);
	buf_clear(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	must(secret_init() == ERR_OK);
	try_seal(data, size);
	if (size > MEMORY_CACHE_DATA_MAX)
		return 0;
	try_record(&user_record_type, data, size);
	try_record(&session_record_type, data, size);
	try_record(&claims_record_type, data, size);
	return 0;
}
