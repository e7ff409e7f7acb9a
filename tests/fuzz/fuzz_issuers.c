/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"
#include "issuers/external_account.h"
#include "support/external_issuers.h"
#include "token/jwk.h"
#include "token/jws.h"

#define INPUT_MAX 8000

/*
 * The first byte selects the kind of the rest: 'J' a JWK set, 'F' an issuers
 * file, 'T' a whole token, 'H' a header and 'P' a payload.  The last two are
 * signed with the right key, so that the fuzzer gets past the signature.
 */
static struct external_issuers external;

/* Unlike assert(), checked in every build. */
static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
tear_down(void)
{
	external_issuers_close(&external);
}

static void
set_up(void)
{
	must(secret_init() == ERR_OK);
	external_issuers_alone(&external);
	must(atexit(tear_down) == 0);
}

static void
try_keys(const char *text)
{
	for (unsigned algs = 1; algs <= JWK_ALGS_ALL; algs++) {
		struct jwk_set *set;
		enum err err = jwk_set_parse(text, strlen(text), algs, &set);

		must(err == ERR_OK || err == ERR_INVALID);
		must((err == ERR_OK) == (set != NULL));
		if (set == NULL)
			continue;
		must(jwk_set_count(set) > 0);
		must(jwk_set_count(set) <= JWK_KEYS_MAX);
		if ((algs & JWK_RS256) == 0)
			must(jwk_set_find(set, NULL, JWK_RS256) == NULL);
		jwk_set_free(set);
	}
}

static void
try_file(const char *text)
{
	struct issuers_config *config;
	char path[4096], why[512];
	enum err err;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/fuzzed", external.table.dir);
	file = fopen(path, "we");
	must(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
	err = issuers_config_load(path, why, sizeof(why), &config);
	if (err != ERR_OK) {
		must(err == ERR_INVALID && config == NULL);
		must(why[0] != '\0' && strchr(why, '\n') == NULL);
		return;
	}
	for (size_t i = 0; i < config->count; i++) {
		const struct issuer *b = &config->list[i];

		must(b->audience.count + b->authorized_party.count > 0);
		must((b->algorithms & ~JWK_ALGS_ALL) == 0);
		must(b->algorithms != 0 && b->name[0] != '\0');
		must(b->leeway >= 0 && b->leeway <= 60);
		must(issuers_config_find(config, b->name) == b);
	}
	issuers_config_free(config);
}

static void
must_be_canonical(const char *text)
{
	unsigned char room[JWS_DECODED_MAX(JWS_EXTERNAL_MAX)];
	struct buf again = { 0 };
	struct jws jws;

	must(jws_split(text, JWS_EXTERNAL_MAX, room, &jws) == ERR_OK);
	jws_encode(&again, jws.header, jws.header_len);
	buf_puts(&again, ".");
	jws_encode(&again, jws.payload, jws.payload_len);
	buf_puts(&again, ".");
	jws_encode(&again, jws.signature, jws.signature_len);
	must(strcmp(again.data, text) == 0);
	buf_clear(&again);
}

static void
try_token(const char *text)
{
	static const struct external nothing;
	struct external said;
	struct claims c;
	enum err err;

	err = issuers_verify(
	    external.issuers, text, EXTERNAL_ISSUERS_NOW, &c, &said);
	if (err != ERR_OK) {
		must(err == ERR_DENIED);
		must(c.expires_at == 0 && c.jti[0] == '\0');
		said.may_become_valid = false; /* that it may say */
		must(memcmp(&said, &nothing, sizeof(said)) == 0);
		return;
	}
	must_be_canonical(text);
	must(c.user_id == 0 && c.epoch == 0 && c.handle[0] == '\0');
	must(c.issued_at <= EXTERNAL_ISSUERS_NOW + c.leeway);
	must(c.not_before <= EXTERNAL_ISSUERS_NOW + c.leeway);
	must(c.expires_at > EXTERNAL_ISSUERS_NOW);
	must(str_is_hex(c.jti, TOKEN_JTI_SIZE - 1));
	must(said.issuer != NULL && said.subject[0] != '\0');
	must((said.email[0] == '\0') == (said.normal[0] == '\0'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[EXTERNAL_ISSUERS_TEXT_SIZE], input[INPUT_MAX + 1];

	if (external.issuers == NULL)
		set_up();
	if (size < 1 || size - 1 > INPUT_MAX)
		return 0;
	memcpy(input, data + 1, size - 1);
	input[size - 1] = '\0';
	switch (data[0]) {
	case 'J': try_keys(input); return 0;
	case 'F': try_file(input); return 0;
	case 'H':
		external_issuers_sign(
		    text, external.ec[0], input, EXTERNAL_ISSUERS_PAYLOAD);
		break;
	case 'P':
		external_issuers_sign(
		    text, external.ec[0], EXTERNAL_ISSUERS_HEADER, input);
		break;
	default: memcpy(text, input, size); break;
	}
	try_token(text);
	return 0;
}
