/* SPDX-License-Identifier: ISC */
#include "support/external_issuers.h"

#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json_writer.h"
#include "base/secret.h"
#include "issuers/external_account.h"
#include "issuers/issuers.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/store_memory.h"
#include "token/jws.h"

static const char file[] = "[" EXTERNAL_ISSUERS_ONE "]\n"
			   "audience = latchkey\n"
			   "[" EXTERNAL_ISSUERS_TWO "]\n"
			   "authorized_party = https://app.example\n"
			   "algorithms = ES256\n"
			   "leeway = 0\n"
			   "claim_email = mail\n"
			   "claim_email_verified =\n"
			   "claim_name = nick\n"
			   "link_by_email = yes\n";

static void
load_file(struct external_issuers *o, const char *dir)
{
	char path[4096], why[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/issuers", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, sizeof(file) - 1), sizeof(file) - 1);
	close(fd);
	if (issuers_config_load(path, why, sizeof(why), &o->config) != ERR_OK)
		fail_msg("%s", why);
}

void
external_issuers_open(struct external_issuers *o, const char *dir,
    struct store *st, struct shm *m, int64_t now)
{
	o->store = st;
	o->m = m;
	load_file(o, dir);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(keypair_make(KEYPAIR_RSA, &o->rsa[i]), ERR_OK);
		assert_int_equal(keypair_make(KEYPAIR_P256, &o->ec[i]), ERR_OK);
	}
	external_issuers_publish(o, EXTERNAL_ISSUERS_ONE, now, NULL);
	external_issuers_publish(o, EXTERNAL_ISSUERS_TWO, now, NULL);
	assert_int_equal(issuers_new(o->config, st, m, &o->issuers), ERR_OK);
	external_issuers_sign(o->good, o->ec[0], EXTERNAL_ISSUERS_HEADER,
	    EXTERNAL_ISSUERS_PAYLOAD);
}

void
external_issuers_alone(struct external_issuers *o)
{
	struct shm *m;
	struct store *st;

	shm_fixture_make(&o->table);
	m = shm_fixture_open(&o->table);
	assert_int_equal(store_open_memory(m, &st), ERR_OK);
	external_issuers_open(o, o->table.dir, st, m, EXTERNAL_ISSUERS_NOW);
}

void
external_issuers_close(struct external_issuers *o)
{
	issuers_free(o->issuers);
	issuers_config_free(o->config);
	for (int i = 0; i < 2; i++) {
		keypair_free(o->rsa[i]);
		keypair_free(o->ec[i]);
	}
	if (o->table.dir[0] != '\0') {
		store_close(o->store);
		shm_detach(o->m);
		shm_fixture_remove(&o->table);
	}
	*o = (struct external_issuers){ 0 };
}

static void
put_key(struct json_writer *w, const char *kid, const struct keypair *key)
{
	json_write_object(w, NULL);
	json_write_string(w, "kid", kid);
	json_write_string(w, "use", "sig");
	assert_int_equal(keypair_jwk(key, w), ERR_OK);
	json_write_close(w);
}

void
external_issuers_publish(struct external_issuers *o, const char *issuer,
    int64_t now, const char *jwks)
{
	const struct store_actor actor = { .address = "", .now = now };
	int i = strcmp(issuer, EXTERNAL_ISSUERS_TWO) == 0;
	struct issuer_keys row = {
		.fetched_at = now, .fresh_until = now + 7200, .tried_at = now
	};
	struct buf text = { 0 };
	struct json_writer w;

	json_write_begin(&w, &text);
	json_write_object(&w, NULL);
	json_write_array(&w, "keys");
	put_key(&w, "rsa", o->rsa[i]);
	put_key(&w, "ec", o->ec[i]);
	json_write_close(&w);
	json_write_close(&w);
	assert_int_equal(json_write_end(&w), ERR_OK);
	(void)snprintf(row.issuer, sizeof(row.issuer), "%s", issuer);
	row.jwks = strdup(jwks != NULL ? jwks : text.data);
	assert_non_null(row.jwks);
	assert_int_equal(store_issuer_put(o->store, &actor, &row), ERR_OK);
	issuer_keys_clear(&row);
	buf_clear(&text);
}

void
external_issuers_sign(char dst[EXTERNAL_ISSUERS_TEXT_SIZE],
    const struct keypair *key, const char *header, const char *payload)
{
	unsigned char signature[KEYPAIR_SIGNATURE_MAX] = { 0 };
	size_t len = 64;
	struct buf text = { 0 };

	jws_encode(&text, header, strlen(header));
	buf_puts(&text, ".");
	jws_encode(&text, payload, strlen(payload));
	if (key != NULL) {
		len = keypair_signature_len(key);
		assert_int_equal(
		    keypair_sign(key, text.data, text.len, signature), ERR_OK);
	}
	buf_puts(&text, ".");
	jws_encode(&text, signature, len);
	assert_true(text.len < EXTERNAL_ISSUERS_TEXT_SIZE);
	memcpy(dst, text.data, text.len + 1);
	buf_clear(&text);
}

int
external_issuers_set_up(void **state)
{
	static struct external_issuers shared;

	if (secret_init() != ERR_OK)
		return 1;
	external_issuers_alone(&shared);
	*state = &shared;
	return 0;
}

int
external_issuers_tear_down(void **state)
{
	external_issuers_close(*state);
	return 0;
}

enum err
external_issuers_verify(
    struct external_issuers *o, const char *text, struct claims *claims_out)
{
	static const struct external nothing;
	static const struct claims none;
	struct external said;
	struct claims claims;
	enum err err;

	memset(&said, 0xaa, sizeof(said));
	memset(&claims, 0xaa, sizeof(claims));
	err = issuers_verify(
	    o->issuers, text, EXTERNAL_ISSUERS_NOW, &claims, &said);
	if (err != ERR_OK) {
		said.may_become_valid = false; /* may be set */
		assert_memory_equal(&said, &nothing, sizeof(said));
		assert_memory_equal(&claims, &none, sizeof(claims));
	}
	if (claims_out != NULL)
		*claims_out = claims;
	return err;
}
