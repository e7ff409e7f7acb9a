/* SPDX-License-Identifier: ISC */
#include "support/outsider.h"

#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/issuers.h"
#include "auth/jws.h"
#include "auth/outside.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/writer.h"
#include "host/mapped.h"
#include "store/store.h"

static const char file[] = "[" OUTSIDER_ONE "]\n"
			   "audience = latchkey\n"
			   "[" OUTSIDER_TWO "]\n"
			   "authorized_party = https://app.example\n"
			   "algorithms = ES256\n"
			   "leeway = 0\n"
			   "claim_email = mail\n"
			   "claim_email_verified =\n"
			   "claim_name = nick\n"
			   "link_by_email = yes\n";

static void
load_file(struct outsider *o, const char *dir)
{
	char path[4096], why[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/issuers", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, sizeof(file) - 1), sizeof(file) - 1);
	close(fd);
	if (issuers_file_load(path, why, sizeof(why), &o->config) != ERR_OK)
		fail_msg("%s", why);
}

void
outsider_open(struct outsider *o, const char *dir, struct store *st,
    struct mapped *m, int64_t now)
{
	o->store = st;
	o->m = m;
	load_file(o, dir);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(keypair_make(KEYPAIR_RSA, &o->rsa[i]), ERR_OK);
		assert_int_equal(keypair_make(KEYPAIR_P256, &o->ec[i]), ERR_OK);
	}
	outsider_publish(o, OUTSIDER_ONE, now, NULL);
	outsider_publish(o, OUTSIDER_TWO, now, NULL);
	assert_int_equal(issuers_new(o->config, st, m, &o->issuers), ERR_OK);
	outsider_sign(o->good, o->ec[0], OUTSIDER_HEADER, OUTSIDER_PAYLOAD);
}

void
outsider_alone(struct outsider *o)
{
	struct mapped *m;
	struct store *st;

	table_make(&o->table);
	m = table_open(&o->table);
	assert_int_equal(store_open_memory(m, &st), ERR_OK);
	outsider_open(o, o->table.dir, st, m, OUTSIDER_NOW);
}

void
outsider_close(struct outsider *o)
{
	issuers_free(o->issuers);
	issuers_file_free(o->config);
	for (int i = 0; i < 2; i++) {
		keypair_free(o->rsa[i]);
		keypair_free(o->ec[i]);
	}
	if (o->table.dir[0] != '\0') {
		store_close(o->store);
		mapped_close(o->m);
		table_remove(&o->table);
	}
	*o = (struct outsider){ 0 };
}

static void
put_key(struct writer *w, const char *kid, const struct keypair *key)
{
	writer_object(w, NULL);
	writer_string(w, "kid", kid);
	writer_string(w, "use", "sig");
	assert_int_equal(keypair_jwk(key, w), ERR_OK);
	writer_close(w);
}

void
outsider_publish(
    struct outsider *o, const char *issuer, int64_t now, const char *jwks)
{
	const struct store_actor actor = { .address = "", .now = now };
	int i = strcmp(issuer, OUTSIDER_TWO) == 0;
	struct issuer_keys row = {
		.fetched_at = now, .fresh_until = now + 7200, .tried_at = now
	};
	struct buf text = { 0 };
	struct writer w;

	writer_begin(&w, &text);
	writer_object(&w, NULL);
	writer_array(&w, "keys");
	put_key(&w, "rsa", o->rsa[i]);
	put_key(&w, "ec", o->ec[i]);
	writer_close(&w);
	writer_close(&w);
	assert_int_equal(writer_end(&w), ERR_OK);
	(void)snprintf(row.issuer, sizeof(row.issuer), "%s", issuer);
	row.jwks = strdup(jwks != NULL ? jwks : text.data);
	assert_non_null(row.jwks);
	assert_int_equal(store_issuer_put(o->store, &actor, &row), ERR_OK);
	issuer_keys_clear(&row);
	buf_clear(&text);
}

void
outsider_sign(char dst[OUTSIDER_TEXT_SIZE], const struct keypair *key,
    const char *header, const char *payload)
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
	assert_true(text.len < OUTSIDER_TEXT_SIZE);
	memcpy(dst, text.data, text.len + 1);
	buf_clear(&text);
}

int
outsider_set_up(void **state)
{
	static struct outsider outsider;

	if (secret_init() != ERR_OK)
		return 1;
	outsider_alone(&outsider);
	*state = &outsider;
	return 0;
}

int
outsider_tear_down(void **state)
{
	outsider_close(*state);
	return 0;
}

enum err
outsider_verify(struct outsider *o, const char *text, struct claims *claims_out)
{
	static const struct outside nothing;
	static const struct claims none;
	struct outside said;
	struct claims claims;
	enum err err;

	memset(&said, 0xaa, sizeof(said));
	memset(&claims, 0xaa, sizeof(claims));
	err = issuers_verify(o->issuers, text, OUTSIDER_NOW, &claims, &said);
	if (err != ERR_OK) {
		said.undecided = false; /* that it may say */
		assert_memory_equal(&said, &nothing, sizeof(said));
		assert_memory_equal(&claims, &none, sizeof(claims));
	}
	if (claims_out != NULL)
		*claims_out = claims;
	return err;
}
