/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_value.h"
#include "base/secret.h"
#include "cache/seal.h"
#include "model/session.h"
#include "model/user.h"
#include "shm/shm.h"

/* Not assert(): it must hold in every build. */
static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* What was unpacked packs and unpacks to the same; what was not is zero. */
static void
try_user(const struct json_value *doc)
{
	static const struct user none;
	struct json_value *packed;
	struct user first, second;

	memset(&first, 0x5a, sizeof(first));
	if (user_unpack(doc, &first) != ERR_OK) {
		must(memcmp(&first, &none, sizeof(none)) == 0);
		return;
	}
	must(first.id > 0);
	packed = user_pack(&first);
	must(user_unpack(packed, &second) == ERR_OK);
	must(memcmp(&first, &second, sizeof(first)) == 0);
	json_value_free(packed);
}

static void
try_session(const struct json_value *doc)
{
	static const struct session none;
	struct json_value *packed;
	struct session first, second;

	memset(&first, 0x5a, sizeof(first));
	if (session_unpack(doc, &first) != ERR_OK) {
		must(memcmp(&first, &none, sizeof(none)) == 0);
		return;
	}
	must(strlen(first.handle) == SESSION_HANDLE_SIZE - 1);
	packed = session_pack(&first);
	must(session_unpack(packed, &second) == ERR_OK);
	must(memcmp(&first, &second, sizeof(first)) == 0);
	json_value_free(packed);
}

/*
 * Nothing that was not sealed opens, and what is sealed opens as it was, but
 * not once a bit of it has changed.
 */
static void
try_seal(const uint8_t *data, size_t size)
{
	static const unsigned char key[SECRET_KEY_BYTES] = "a key to fuzz with";
	static const unsigned char table[SHM_ID_BYTES] = "a table";
	const struct seal_binding binding = {
		.key = "user:1", .shm_id = table, .generation = size
	};
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
	struct json_value *doc;

	must(secret_init() == ERR_OK);
	try_seal(data, size);
	if (json_value_parse((const char *)data, size, &doc) != ERR_OK)
		return 0;
	try_user(doc);
	try_session(doc);
	json_value_free(doc);
	return 0;
}
