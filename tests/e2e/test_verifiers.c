/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/secret.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/files.h"
#include "support/process.h"
#include "support/shm_fixture.h"
#include "support/site.h"
#include "token/keypair.h"
#include "token/master_secret.h"
#include "token/signing_keys.h"

/*
 * PyJWT verifies our tokens by the published keys, and we verify tokens that it
 * signs with our key.
 */
#define API "/api/v1"
#define WAIT_MS 60000

static const char *algorithm;

static void
path_of(const struct site *s, const char *name, char path[128])
{
	(void)snprintf(path, 128, "%s/%s", stack_dir(s->stack), name);
}

/* Read the private key of the site. */
static void
read_private_key(const struct site *s, const char *to)
{
	static const struct store_options options = { .write_wait_ms = 5000 };
	struct signing_keys_options o = { .lifetime = 900, .publish = 300 };
	char database[128], secret[128];
	const struct signing_key *key;
	struct buf der = { 0 };
	struct master_secret master;
	struct store *store;
	struct shm *m;
	struct signing_keys keys;

	path_of(s, "latchkey.db", database);
	path_of(s, "master.key", secret);
	m = shm_fixture_of(database);
	assert_int_equal(store_open(database, m, &options, &store), ERR_OK);
	assert_int_equal(master_secret_load("", secret, &master), ERR_OK);
	o.store = store;
	o.master = &master;
	assert_int_equal(signing_keys_alg_from(algorithm, &o.alg), ERR_OK);
	assert_int_equal(signing_keys_open(&o, time(NULL), &keys), ERR_OK);
	key = signing_keys_active(&keys, time(NULL));
	assert_int_equal(keypair_write(key->pair, &der), ERR_OK);
	files_write(to, der.data, der.len);
	buf_clear(&der);
	signing_keys_close(&keys);
	master_secret_clear(&master);
	store_close(store);
	shm_detach(m);
}

TEST(pyjwt_verifies_ours_and_we_its_tokens, struct site *s)
{
	char url[128], token[128], key[128], made[128], script[512];
	const char *const argv[] = { "/usr/bin/python3", script, url, algorithm,
		token, key, NULL };
	const struct process_options o = {
		.argv = argv, .log = made, .stdin_fd = -1
	};
	struct buf theirs = { 0 };
	int status;

	site_account(s);
	(void)snprintf(url, sizeof(url), "%s" API "/.well-known/jwks.json",
	    stack_base(s->stack));
	(void)snprintf(script, sizeof(script), "%s/tests/e2e/verify.py",
	    getenv("top_srcdir"));
	path_of(s, "token", token);
	path_of(s, "key", key);
	path_of(s, "made", made);
	files_write(token, s->token, strlen(s->token));
	read_private_key(s, key);
	status = process_stop(process_start(&o), 0, WAIT_MS);
	files_read(made, &theirs);
	if (status != 0)
		fail_msg("%s", theirs.data);

	web_call(s->web,
	    &(struct web_call){ .path = API "/auth/me",
		.bearer = theirs.data,
		.no_cookies = true },
	    &s->reply);
	web_expect(&s->reply, 200, NULL);
	theirs.data[theirs.len - 8] ^= 1;
	web_call(s->web,
	    &(struct web_call){ .path = API "/auth/me",
		.bearer = theirs.data,
		.no_cookies = true },
	    &s->reply);
	web_expect(&s->reply, 401, "invalid_token");
	buf_clear(&theirs);
}

TEST_RUN()
{
	static const char *const rs256[] = { "JWT_ALGORITHM=RS256", NULL };
	static const char *const es256[] = { "JWT_ALGORITHM=ES256", NULL };
	struct stack_options o = { .no_redis = true, .env = rs256 };
	int failed;

	algorithm = "RS256";
	failed = site_run("RS256", TEST_ALL, &o);
	algorithm = "ES256";
	o.env = es256;
	return failed + site_run("ES256", TEST_ALL, &o);
}
