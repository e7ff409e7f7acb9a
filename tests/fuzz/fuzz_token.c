/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "support/token_forger.h"
#include "token/access_token.h"
#include "token/jws.h"
#include "token/master_secret.h"
#include "token/signing_keys.h"

#define NOW 1700000000
#define INPUT_MAX 8000

/*
 * The first byte selects the kind of the rest: 'T' a whole token, 'H' a header
 * and 'P' a payload.  The last two are signed with the right key, so that the
 * fuzzer gets past the signature.
 */
static const char payload[] =
    "{\"iss\":\"latchkey\",\"aud\":\"latchkey\",\"sub\":\"42\","
    "\"sid\":\"00112233445566778899aabbccddeeff\",\"epoch\":7,"
    "\"jti\":\"2f1e7f0a-3c4d-4b5e-8f60-718293a4b5c6\","
    "\"iat\":1700000000,\"nbf\":1700000000,\"exp\":1700000900}";

/* Unlike assert(), checked in every build. */
static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
load(struct signing_keys *keys)
{
	struct master_secret master;
	struct signing_key_row row;

	must(secret_init() == ERR_OK);
	must(master_secret_load(
		 "the secret of the fuzzer, 32 bytes", "", &master) == ERR_OK);
	memset(keys, 0, sizeof(*keys));
	must(signing_keys_row_first(&master, &row) == ERR_OK);
	must(signing_keys_row_open(&row, &master, &keys->list[0]) == ERR_OK);
	keys->count = 1;
}

/* Encoding the decoded parts gives the input: a token has one spelling. */
static void
must_be_canonical(const char *text)
{
	unsigned char room[JWS_DECODED_MAX(JWS_OURS_MAX)];
	char again[TOKEN_TEXT_SIZE * 2] = "";
	struct jws jws;
	struct {
		const unsigned char *data;
		size_t len;
	} parts[3];

	must(jws_split(text, JWS_OURS_MAX, room, &jws) == ERR_OK);
	parts[0].data = jws.header;
	parts[0].len = jws.header_len;
	parts[1].data = jws.payload;
	parts[1].len = jws.payload_len;
	parts[2].data = jws.signature;
	parts[2].len = jws.signature_len;
	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(again);

		if (i > 0)
			again[len++] = '.';
		sodium_bin2base64(again + len, sizeof(again) - len,
		    parts[i].data, parts[i].len,
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	}
	must(strcmp(again, text) == 0);
}

static void
try_token(struct signing_keys *keys, const char *text)
{
	const struct access_tokens t = { .keys = keys,
		.issuer = "latchkey",
		.audience = "latchkey",
		.lifetime = 900,
		.clock = &clock_system };
	unsigned char room[JWS_DECODED_MAX(JWS_OURS_MAX)];
	struct claims c;
	struct jws jws;
	enum err err;

	if (jws_split(text, JWS_OURS_MAX, room, &jws) == ERR_OK)
		must_be_canonical(text);
	err = access_token_verify(&t, text, NOW, &c);
	if (err != ERR_OK) {
		must(err == ERR_DENIED);
		must(c.user_id == 0 && c.epoch == 0 && c.expires_at == 0);
		must(c.handle[0] == '\0' && c.jti[0] == '\0');
		return;
	}
	must_be_canonical(text);
	must(c.user_id > 0 && c.epoch >= 0);
	must(c.issued_at <= NOW && c.not_before <= NOW && c.expires_at > NOW);
	must(strlen(c.handle) == SESSION_HANDLE_SIZE - 1);
	must(random_is_uuid(c.jti));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TOKEN_FORGER_SIZE], input[INPUT_MAX + 1], header[128];
	static struct signing_keys keys;

	if (keys.count == 0)
		load(&keys);
	if (size < 1 || size - 1 > INPUT_MAX)
		return 0;
	memcpy(input, data + 1, size - 1);
	input[size - 1] = '\0';
	if (data[0] == 'H') {
		token_forger_token(text, &keys, input, payload);
	} else if (data[0] == 'P') {
		(void)snprintf(header, sizeof(header),
		    "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
		    keys.list[0].kid);
		token_forger_token(text, &keys, header, input);
	} else {
		memcpy(text, input, size);
	}
	try_token(&keys, text);
	return 0;
}
