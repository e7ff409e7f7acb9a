/* SPDX-License-Identifier: ISC */
#include "auth/rate_limit.h"

#include "support/test.h"

#include <stdio.h>

#include "base/secret.h"
#include "shm/circuit_breaker.h"
#include "shm/shm.h"
#include "support/redis_client.h"
#include "support/redis_server.h"

#define NOW ((int64_t)5000000)
#define WINDOW ((int64_t)60000)
#define ADDRESS "192.0.2.7"
#define EMAIL "ada@example.org"

/* A Redis, and the shared memory of a host that has just started. */
struct fixture {
	struct redis_client *client;
	struct rate_limits rl;
};

static void
setup(struct fixture *f)
{
	void *client;

	assert_int_equal(redis_client_setup(&client), 0);
	f->client = client;
	f->rl.shm = f->client->m;
	f->rl.redis = f->client->redis;
	f->rl.rules[RATE_LIMIT_LOGIN] =
	    (struct rate_limit_shm_rule){ WINDOW, 5 };
	f->rl.rules[RATE_LIMIT_REGISTER] =
	    (struct rate_limit_shm_rule){ WINDOW, 3 };
	f->rl.rules[RATE_LIMIT_DEFAULT] =
	    (struct rate_limit_shm_rule){ WINDOW, 10 };
	f->rl.rules[RATE_LIMIT_PROFILE] =
	    (struct rate_limit_shm_rule){ WINDOW, 10 };
	memset(f->rl.key, 7, sizeof(f->rl.key));
}

static void
teardown(struct fixture *f)
{
	void *client = f->client;

	redis_client_teardown(&client);
}

TEST_FIXTURE(struct fixture, setup, teardown);

/* ---- who is counted ---- */

TEST(addresses_count_as_networks)
{
	static const struct {
		const char *address, *key;
	} cases[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
		{ "2001:db8:1:2::", "2001:db8:1:2::/64" },
		{ "2001:db8:1:3:3:4:5:6", "2001:db8:1:3::/64" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		    "ffff:ffff:ffff:ffff::/64" },
		{ "::1", "::/64" },
		{ "", "unknown" },
		{ "unix:", "unknown" },
		{ "192.0.2.7, 192.0.2.8", "unknown" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct rate_limit_claim claim = { 0 };
		char key[RATE_LIMIT_KEY_SIZE];

		for (int n = RATE_LIMIT_NONE + 1; n < RATE_LIMIT_NAMES; n++) {
			claim.n = 0;
			rate_limit_address(
			    &claim, (enum rate_limit_name)n, cases[i].address);
			snprintf(key, sizeof(key), "rate_limit:%s:%s",
			    rate_limit_info((enum rate_limit_name)n)->name,
			    cases[i].key);
			assert_int_equal(claim.n, 1);
			assert_string_equal(claim.keys[0].key, key);
		}
	}
}

static void
account_key(const struct rate_limits *rl, const char *email,
    char key[RATE_LIMIT_KEY_SIZE])
{
	struct rate_limit_claim claim = { 0 };

	rate_limit_account(rl, &claim, RATE_LIMIT_LOGIN, email);
	memcpy(key, claim.keys[0].key, RATE_LIMIT_KEY_SIZE);
}

TEST(accounts_count_in_any_spelling, struct fixture *f)
{
	static const char *const same[] = { "ada@example.org",
		"Ada@Example.ORG", "ada@example.ORG" };
	char key[RATE_LIMIT_KEY_SIZE], other[RATE_LIMIT_KEY_SIZE];

	account_key(&f->rl, EMAIL, key);
	for (size_t i = 0; i < NELEMS(same); i++) {
		account_key(&f->rl, same[i], other);
		assert_string_equal(other, key);
	}
	/* An invalid address is an account of its own. */
	account_key(&f->rl, "no address", other);
	assert_string_not_equal(other, key);
	account_key(&f->rl, "bob@example.org", other);
	assert_string_not_equal(other, key);
	/* The key neither shows the address nor lets it be guessed. */
	assert_null(strstr(key, "ada"));
	f->rl.key[0]++;
	account_key(&f->rl, EMAIL, other);
	assert_string_not_equal(other, key);
}

/* ---- counting ---- */

static enum err
ask(struct fixture *f, const char *address, const char *email, int64_t now,
    struct rate_limit_claim *claim, struct rate_limit_refusal *refusal)
{
	*claim = (struct rate_limit_claim){ 0 };
	rate_limit_address(claim, RATE_LIMIT_LOGIN, address);
	rate_limit_account(&f->rl, claim, RATE_LIMIT_LOGIN, email);
	return rate_limit_take(&f->rl, claim, now, refusal);
}

/* A login that ends with ${outcome} if it is allowed. */
static enum err
login(struct fixture *f, const char *address, const char *email, int64_t now,
    enum err outcome)
{
	struct rate_limit_refusal refusal;
	struct rate_limit_claim claim;
	enum err err = ask(f, address, email, now, &claim, &refusal);

	if (err == ERR_OK)
		rate_limit_settle(&f->rl, &claim, outcome, now + 1);
	assert_int_equal(claim.n, 0);
	return err;
}

/* Count the wrong logins until one is refused. */
static int
count_wrong_logins(
    struct fixture *f, const char *address, const char *email, int64_t now)
{
	int n = 0;

	while (login(f, address, email, now, ERR_DENIED) == ERR_OK)
		n++;
	return n;
}

static void
new_table(struct fixture *f)
{
	redis_free(f->client->redis);
	shm_detach(f->client->m);
	assert_int_equal(shm_attach(f->client->dir, 1, &f->client->m), ERR_OK);
	f->client->redis = NULL;
	redis_client_reopen(f->client);
	f->rl.shm = f->client->m;
	f->rl.redis = f->client->redis;
}

TEST(each_address_and_each_account_has_its_limit, struct fixture *f)
{
	char text[64];

	assert_int_equal(count_wrong_logins(f, ADDRESS, EMAIL, NOW), 5);
	/* One address with other accounts, one account from other addresses. */
	assert_int_equal(
	    count_wrong_logins(f, ADDRESS, "bob@example.org", NOW), 0);
	assert_int_equal(count_wrong_logins(f, "192.0.2.8", EMAIL, NOW), 0);
	assert_int_equal(
	    count_wrong_logins(f, "192.0.2.8", "bob@example.org", NOW), 5);
	/* Refused requests did not count. */
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "eve%d@example.org", i);
		assert_int_equal(
		    login(f, ADDRESS, text, NOW, ERR_DENIED), ERR_LIMITED);
		assert_int_equal(
		    login(f, "192.0.2.9", text, NOW, ERR_OK), ERR_OK);
	}
	assert_int_equal(
	    count_wrong_logins(f, "192.0.2.9", "cyd@example.org", NOW), 5);
}

TEST(the_longest_wait_is_reported, struct fixture *f)
{
	struct rate_limit_refusal refusal;
	struct rate_limit_claim claim;

	f->rl.redis = NULL;
	assert_int_equal(count_wrong_logins(f, "192.0.2.8", EMAIL, NOW), 5);
	assert_int_equal(
	    count_wrong_logins(f, ADDRESS, "bob@example.org", NOW + 900), 5);
	assert_int_equal(
	    ask(f, ADDRESS, EMAIL, NOW + 1000, &claim, &refusal), ERR_LIMITED);
	assert_int_equal(refusal.wait_ms, WINDOW + 1 - 100);
	assert_int_equal(refusal.name, RATE_LIMIT_LOGIN);
	assert_int_equal(
	    ask(f, "192.0.2.9", EMAIL, NOW + 1000, &claim, &refusal),
	    ERR_LIMITED);
	assert_int_equal(refusal.wait_ms, WINDOW + 1 - 1000);
	assert_int_equal(
	    ask(f, ADDRESS, EMAIL, NOW + 901 + WINDOW, &claim, &refusal),
	    ERR_OK);
}

TEST(requests_that_were_no_guess_are_refunded, struct fixture *f)
{
	static const struct {
		enum err outcome;
		bool stays[RATE_LIMIT_NAMES];
	} cases[] = {
		{ ERR_OK,
		    { [RATE_LIMIT_REGISTER] = true,
			[RATE_LIMIT_PROFILE] = true } },
		{ ERR_DENIED, { [RATE_LIMIT_LOGIN] = true, true, true, true } },
		{ ERR_NOT_FOUND,
		    { [RATE_LIMIT_LOGIN] = true, true, true, true } },
		{ ERR_CONFLICT,
		    { [RATE_LIMIT_LOGIN] = true, true, true, true } },
		{ ERR_LIMITED,
		    { [RATE_LIMIT_LOGIN] = true, true, true, true } },
		{ ERR_INVALID, { false } },
		{ ERR_UNAVAILABLE, { false } },
		{ ERR_BUSY, { false } },
		{ ERR_INTERNAL, { false } },
	};
	char address[64];

	for (int redis = 0; redis < 2; redis++) {
		for (size_t i = 0; i < NELEMS(cases) * RATE_LIMIT_NAMES; i++) {
			enum rate_limit_name name =
			    (enum rate_limit_name)(i % RATE_LIMIT_NAMES);
			size_t c = i / RATE_LIMIT_NAMES;
			struct rate_limit_refusal refusal;
			struct rate_limit_claim claim = { 0 };
			int n = 0;

			if (name == RATE_LIMIT_NONE)
				continue;
			f->rl.redis = redis != 0 ? f->client->redis : NULL;
			snprintf(
			    address, sizeof(address), "10.0.%d.%zu", redis, i);
			rate_limit_address(&claim, name, address);
			while (n < 30 &&
			    rate_limit_take(&f->rl, &claim, NOW, &refusal) ==
				ERR_OK) {
				rate_limit_settle(
				    &f->rl, &claim, cases[c].outcome, NOW + 1);
				rate_limit_address(&claim, name, address);
				n++;
			}
			assert_int_equal(n,
			    cases[c].stays[name] ? f->rl.rules[name].max : 30);
		}
	}
}

/* ---- two places ---- */

/* The shared memory starts empty, Redis continues. */
TEST(redis_keeps_the_counts_over_a_restart, struct fixture *f)
{
	struct rate_limit_refusal refusal;
	struct rate_limit_claim claim;

	assert_int_equal(login(f, ADDRESS, EMAIL, NOW, ERR_DENIED), ERR_OK);
	assert_int_equal(login(f, ADDRESS, EMAIL, NOW, ERR_OK), ERR_OK);
	assert_int_equal(login(f, ADDRESS, EMAIL, NOW, ERR_DENIED), ERR_OK);
	new_table(f);
	assert_int_equal(count_wrong_logins(f, ADDRESS, EMAIL, NOW), 3);
	new_table(f);
	assert_int_equal(
	    ask(f, ADDRESS, EMAIL, NOW, &claim, &refusal), ERR_LIMITED);
	assert_in_range(refusal.wait_ms, 1, WINDOW + 1);
	/* A refusal by Redis is not counted in shared memory. */
	f->rl.redis = NULL;
	assert_int_equal(count_wrong_logins(f, ADDRESS, EMAIL, NOW), 5);
}

TEST(a_redis_that_loses_its_data_opens_nothing, struct fixture *f)
{
	assert_int_equal(login(f, ADDRESS, EMAIL, NOW, ERR_DENIED), ERR_OK);
	assert_int_equal(login(f, ADDRESS, EMAIL, NOW, ERR_DENIED), ERR_OK);
	(void)redis_server_ask(f->client->server, "FLUSHALL");
	assert_int_equal(login(f, ADDRESS, EMAIL, NOW, ERR_DENIED), ERR_OK);
	redis_server_kill(f->client->server);
	assert_int_equal(count_wrong_logins(f, ADDRESS, EMAIL, NOW), 2);
	assert_false(circuit_breaker_closed(f->client->m));
	assert_int_equal(count_wrong_logins(f, ADDRESS, EMAIL, NOW), 0);
	redis_server_start(f->client->server);
	circuit_breaker_reset(f->client->m);
	assert_int_equal(count_wrong_logins(f, ADDRESS, EMAIL, NOW), 0);
	assert_int_equal(
	    count_wrong_logins(f, ADDRESS, EMAIL, NOW + WINDOW + 1), 5);
}

/* A count only in shared memory is not refunded in Redis. */
TEST(an_outage_of_redis_gives_no_credit, struct fixture *f)
{
	struct rate_limit_refusal refusal;
	struct rate_limit_claim claim;

	redis_server_pause(f->client->server);
	assert_int_equal(ask(f, ADDRESS, EMAIL, NOW, &claim, &refusal), ERR_OK);
	redis_server_resume(f->client->server);
	circuit_breaker_reset(f->client->m);
	(void)redis_server_ask(f->client->server, "FLUSHALL");
	assert_int_equal(login(f, ADDRESS, EMAIL, NOW, ERR_DENIED), ERR_OK);
	rate_limit_settle(&f->rl, &claim, ERR_OK, NOW + 1);
	new_table(f);
	assert_int_equal(count_wrong_logins(f, ADDRESS, EMAIL, NOW), 4);
}
