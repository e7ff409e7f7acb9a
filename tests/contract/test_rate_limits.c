/* SPDX-License-Identifier: ISC */
/*
 * What the rate limits promise, in shared memory and in a real Redis: never
 * more than so many in any window, and the first so many at once.  The time is
 * an argument, so that no test waits for it.
 */
#include "cache/rate_limit_redis.h"

#include "support/test.h"

#include <stdio.h>

#include "base/secret.h"
#include "shm/rate_limit.h"
#include "shm/shm.h"
#include "support/redis_client.h"
#include "support/redis_server.h"

#define START ((int64_t)1800000000000)
#define WINDOW ((int64_t)600000) /* longer than the test takes: see PX */
#define SPAN (WINDOW + 1)        /* with both its ends */
#define YEAR ((int64_t)365 * 86400 * 1000)

/* What was counted, in either place. */
struct taken {
	struct rate_limit_shm_count shm;
	int64_t at_ms, wait_ms;
};

struct place {
	enum err (*take)(struct redis_client *f, const char *key,
	    const struct rate_limit_shm_rule *rule, int64_t now,
	    struct taken *taken);
	void (*refund)(struct redis_client *f, const char *key,
	    const struct rate_limit_shm_rule *rule, int64_t now,
	    struct taken *taken);
};

static enum err
mapped_take(struct redis_client *f, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now, struct taken *taken)
{
	enum err err = rate_limit_shm_take(f->m, key, rule, now, &taken->shm);

	taken->at_ms = now;
	taken->wait_ms = taken->shm.wait_ms;
	return err;
}

static void
mapped_refund(struct redis_client *f, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now, struct taken *taken)
{
	(void)key;
	rate_limit_shm_refund(f->m, &taken->shm, rule, now);
}

static enum err
redis_take(struct redis_client *f, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now, struct taken *taken)
{
	const struct rate_limit_redis_key one = { .key = key, .rule = rule };
	struct rate_limit_redis_count count;
	enum err err = rate_limit_redis_take(f->redis, &one, 1, now, &count);

	assert_int_equal(count.refused, err == ERR_LIMITED ? 0 : 1);
	taken->at_ms = count.at_ms;
	taken->wait_ms = count.wait_ms;
	return err;
}

static void
redis_refund(struct redis_client *f, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now, struct taken *taken)
{
	const struct rate_limit_redis_key one = { .key = key, .rule = rule };

	assert_int_equal(
	    rate_limit_redis_refund(f->redis, &one, 1, taken->at_ms, now),
	    ERR_OK);
}

static const struct place mapped_place = { mapped_take, mapped_refund };
static const struct place redis_place = { redis_take, redis_refund };

/* The place that the tests are about, and the client for both. */
struct fixture {
	const struct place *place;
	struct redis_client *client;
	int serial;
	char key[64];
};

static int
setup(void **state, const struct place *place)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *client;

	assert_non_null(f);
	assert_int_equal(redis_client_setup(&client), 0);
	f->client = client;
	f->place = place;
	*state = f;
	return 0;
}

static int
mapped_setup(void **state)
{
	return setup(state, &mapped_place);
}

static int
redis_setup(void **state)
{
	return setup(state, &redis_place);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	void *client = f->client;

	redis_client_teardown(&client);
	free(f);
	return 0;
}

enum { SHM = 1, REDIS = 2 };
TEST_FIXTURE_IN(SHM, "shm", mapped_setup, teardown);
TEST_FIXTURE_IN(REDIS, "redis", redis_setup, teardown);

static void
new_key(struct fixture *f)
{
	snprintf(f->key, sizeof(f->key), "rate_limit:test:%d", f->serial++);
}

static enum err
take(struct fixture *f, const struct rate_limit_shm_rule *rule, int64_t now,
    struct taken *taken)
{
	return f->place->take(f->client, f->key, rule, now, taken);
}

static void
fill(struct fixture *f, const struct rate_limit_shm_rule *rule, int64_t now)
{
	struct taken taken;

	for (int i = 0; i < rule->max; i++)
		assert_int_equal(take(f, rule, now, &taken), ERR_OK);
}

static const int limits[] = { 1, 2, 3, 5, 10, 13, 14, 15, 28, 29, 100, 1000 };

TEST(the_first_are_counted_at_once_and_no_more, struct fixture *f)
{
	for (size_t i = 0; i < NELEMS(limits); i++) {
		struct rate_limit_shm_rule rule = { WINDOW, limits[i] };
		struct taken taken;

		new_key(f);
		fill(f, &rule, START);
		for (int64_t t = 0; t < WINDOW; t += WINDOW / 4) {
			assert_int_equal(
			    take(f, &rule, START + t, &taken), ERR_LIMITED);
			assert_int_equal(taken.wait_ms, SPAN - t);
		}
		assert_int_equal(
		    take(f, &rule, START + WINDOW, &taken), ERR_LIMITED);
		assert_int_equal(taken.wait_ms, 1);
		fill(f, &rule, START + SPAN);
		assert_int_equal(
		    take(f, &rule, START + SPAN, &taken), ERR_LIMITED);
	}
}

/* What a bucket would do that refills: once more at the window's edge. */
TEST(the_edge_of_a_window_opens_nothing, struct fixture *f)
{
	const struct rate_limit_shm_rule rule = { WINDOW, 5 };
	struct taken taken;
	int counted = 0;

	new_key(f);
	for (int64_t t = START; t <= START + WINDOW; t += 7)
		if (t < START + 10 || t > START + WINDOW - 700)
			counted += take(f, &rule, t, &taken) == ERR_OK;
	assert_int_equal(counted, 5);
}

TEST(keys_do_not_touch_each_other, struct fixture *f)
{
	const struct rate_limit_shm_rule rule = { WINDOW, 3 };

	for (int i = 0; i < 100; i++) {
		new_key(f);
		fill(f, &rule, START);
	}
}

/* ---- against all that was ever counted ---- */

static unsigned seed;

/* The same on every run. */
static int
draw(void)
{
	return rand_r(&seed);
}

#define LOG_MAX 4000

struct history {
	const struct rate_limit_shm_rule *rule;
	struct taken taken[LOG_MAX]; /* counted, and not taken back */
	size_t n;
	size_t counted;
};

static int64_t
live(const struct history *h, int64_t now, int64_t *first_out)
{
	int64_t n = 0;

	*first_out = now;
	for (size_t i = 0; i < h->n; i++) {
		int64_t at = h->taken[i].at_ms;

		if (now - at <= h->rule->window_ms) {
			n++;
			*first_out = at < *first_out ? at : *first_out;
		}
	}
	return n;
}

/* Often at the same moment, often just at the edge of some window. */
static int64_t
next_time(const struct history *h, int64_t now)
{
	int64_t at;

	switch (draw() % 8) {
	case 0:
	case 1:
	case 2: return now;
	case 3: return now + 1;
	case 4: return now + draw() % (h->rule->window_ms / 20);
	case 5: return now + draw() % (h->rule->window_ms / 2);
	default:
		if (h->n == 0)
			return now;
		at = h->taken[(size_t)draw() % h->n].at_ms +
		    h->rule->window_ms + draw() % 3 - 1;
		return at > now ? at : now;
	}
}

static void
step(struct fixture *f, struct history *h, int64_t now)
{
	bool exact = h->rule->max <= RATE_LIMIT_SHM_BLOCKS;
	struct taken taken, later;
	int64_t first, n = live(h, now, &first);
	enum err err;

	if (h->n > 0 && draw() % 6 == 0) {
		size_t i = (size_t)draw() % h->n;

		f->place->refund(f->client, f->key, h->rule, now, &h->taken[i]);
		h->taken[i] = h->taken[--h->n];
		return;
	}
	err = take(f, h->rule, now, &taken);
	if (n >= h->rule->max || exact)
		assert_int_equal(err, n < h->rule->max ? ERR_OK : ERR_LIMITED);
	if (err == ERR_OK) {
		h->taken[h->n++] = taken;
		h->counted++;
		return;
	}
	assert_int_equal(err, ERR_LIMITED);
	assert_true(taken.wait_ms >= 1 && taken.wait_ms <= SPAN);
	if (exact)
		assert_int_equal(taken.wait_ms, first + SPAN - now);
	/* Until then, and no longer, nothing is let through. */
	now += taken.wait_ms;
	assert_int_equal(take(f, h->rule, now - 1, &later), ERR_LIMITED);
	assert_int_equal(later.wait_ms, 1);
}

TEST(never_more_than_so_many_in_any_window, struct fixture *f)
{
	struct history *h = calloc(1, sizeof(*h));
	int rounds = f->place == &redis_place ? 400 : 4000;

	assert_non_null(h);
	for (size_t i = 0; i < NELEMS(limits); i++) {
		const struct rate_limit_shm_rule rule = { WINDOW, limits[i] };
		int64_t now = START;

		new_key(f);
		seed = (unsigned)i + 1;
		h->rule = &rule;
		h->n = h->counted = 0;
		for (int j = 0; j < rounds && h->n < LOG_MAX; j++) {
			now = next_time(h, now);
			step(f, h, now);
		}
		assert_true(h->counted > 50);
	}
	free(h);
}

/*
 * Above RATE_LIMIT_SHM_BLOCKS some count too long; evenly spaced requests are
 * still let through at nearly the full rate.
 */
TEST(larger_limits_are_hardly_stricter, struct fixture *f)
{
	const struct rate_limit_shm_rule rule = { WINDOW, 100 };
	struct taken taken;
	int counted = 0;

	new_key(f);
	for (int64_t t = START; t < START + 10 * WINDOW; t += WINDOW / 200)
		counted += take(f, &rule, t, &taken) == ERR_OK;
	assert_in_range(counted, 900, 1000);
}

TEST(a_success_gives_back_what_it_took, struct fixture *f)
{
	const struct rate_limit_shm_rule rule = { WINDOW, 2 };
	struct taken kept, taken;

	new_key(f);
	assert_int_equal(take(f, &rule, START, &kept), ERR_OK);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(take(f, &rule, START + i, &taken), ERR_OK);
		f->place->refund(
		    f->client, f->key, &rule, START + i + 1, &taken);
	}
	/* Too late, it takes nothing from others. */
	fill(f, &rule, START + SPAN);
	f->place->refund(f->client, f->key, &rule, START + SPAN, &kept);
	assert_int_equal(take(f, &rule, START + SPAN, &taken), ERR_LIMITED);
}

/*
 * ${real} goes on while the clock steps back: what was counted counts for a
 * whole window, and not much longer.
 */
TEST(a_clock_set_back_neither_opens_nor_locks, struct fixture *f)
{
	static const int64_t steps[] = { 1, WINDOW / 2, WINDOW, WINDOW + 1,
		10 * WINDOW, YEAR };
	const struct rate_limit_shm_rule rule = { WINDOW, 5 };

	for (size_t i = 0; i < NELEMS(steps); i++) {
		int64_t real, back = START - steps[i];
		struct taken taken;
		int counted = 0;

		new_key(f);
		fill(f, &rule, START);
		for (real = 0; real <= WINDOW; real += WINDOW / 10)
			assert_int_equal(
			    take(f, &rule, back + real, &taken), ERR_LIMITED);
		real = 2 * SPAN;
		while (take(f, &rule, back + real, &taken) == ERR_OK)
			counted++;
		assert_int_equal(counted, 5);
	}
}

/* Who took the time first may come to count last. */
TEST(who_comes_late_makes_nothing_older, struct fixture *f)
{
	const struct rate_limit_shm_rule rule = { WINDOW,
		2 * RATE_LIMIT_SHM_BLOCKS };
	struct taken taken;
	int counted = 0;

	new_key(f);
	assert_int_equal(take(f, &rule, START + 10, &taken), ERR_OK);
	assert_int_equal(take(f, &rule, START, &taken), ERR_OK);
	while (take(f, &rule, START + 10, &taken) == ERR_OK)
		counted++;
	assert_int_equal(counted, rule.max - 2);
	counted = 0;
	while (take(f, &rule, START + SPAN, &taken) == ERR_OK)
		counted++;
	assert_in_range(counted, 0, 1);
}

/* Other limits than before, as after a reload of the configuration. */
TEST(another_limit_holds_at_once, struct fixture *f)
{
	const struct rate_limit_shm_rule small = { WINDOW, 3 };
	const struct rate_limit_shm_rule large = { WINDOW, 50 };
	struct taken taken;
	int counted = 0;

	new_key(f);
	fill(f, &small, START);
	while (take(f, &large, START + 1, &taken) == ERR_OK)
		counted++;
	assert_int_equal(counted, 47);
	assert_int_equal(take(f, &small, START + 2, &taken), ERR_LIMITED);
	assert_int_equal(take(f, &small, START + SPAN, &taken), ERR_LIMITED);
	assert_int_equal(take(f, &small, START + SPAN + 1, &taken), ERR_OK);
}

/* ---- Redis alone ---- */

TEST_IN(REDIS, several_keys_are_one_step, struct fixture *f)
{
	const struct rate_limit_shm_rule narrow = { WINDOW, 2 },
					 wide = { WINDOW, 5 };
	const struct rate_limit_redis_key keys[] = { { "rate_limit:a", &wide },
		{ "rate_limit:b", &narrow } };
	struct redis *r = f->client->redis;
	struct rate_limit_redis_count count;

	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    rate_limit_redis_take(r, keys, 2, START + i, &count),
		    ERR_OK);
	for (int i = 0; i < 9; i++)
		assert_int_equal(
		    rate_limit_redis_take(r, keys, 2, START + 9, &count),
		    ERR_LIMITED);
	assert_int_equal(count.refused, 1);
	assert_int_equal(count.wait_ms, SPAN - 9);
	/* The refused have not been counted of the other. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    rate_limit_redis_take(r, keys, 1, START + 10, &count),
		    ERR_OK);
	assert_int_equal(
	    rate_limit_redis_take(r, keys, 1, START + 10, &count), ERR_LIMITED);
	/* The longer wait is told. */
	assert_int_equal(
	    rate_limit_redis_take(r, keys, 2, START + 10, &count), ERR_LIMITED);
	assert_int_equal(count.wait_ms, SPAN - 10);
}

TEST_IN(REDIS, redis_keeps_it_under_our_prefix_for_a_window, struct fixture *f)
{
	const struct rate_limit_shm_rule rule = { WINDOW, 3 };
	const struct rate_limit_redis_key key = { "rate_limit:login:192.0.2.1",
		&rule };
	struct redis_server *server = f->client->server;
	struct rate_limit_redis_count count;
	long long ttl;

	assert_int_equal(
	    rate_limit_redis_take(f->client->redis, &key, 1, 0, &count),
	    ERR_OK);
	assert_string_equal(redis_server_ask(server, "KEYS *"),
	    "site:rate_limit:login:192.0.2.1");
	ttl = redis_server_int(server, "PTTL site:rate_limit:login:192.0.2.1");
	assert_in_range(ttl, WINDOW / 2, SPAN);
	/* Time 0 meant its own clock. */
	assert_in_range(count.at_ms / 1000,
	    redis_server_int(
		server, "EVAL %s 0", "return tonumber(redis.call('TIME')[1])") -
		60,
	    INT64_MAX);
	assert_int_equal(
	    rate_limit_redis_refund(f->client->redis, &key, 1, count.at_ms, 0),
	    ERR_OK);
	assert_string_equal(redis_server_ask(server, "KEYS *"), "");
}

/* The text is sent to a server that has forgotten it, else its name alone. */
TEST_IN(REDIS, the_script_is_known_by_its_name, struct fixture *f)
{
	const struct rate_limit_shm_rule rule = { WINDOW, 9 };
	const struct rate_limit_redis_key key = { "rate_limit:a", &rule };
	struct redis_server *server = f->client->server;
	struct rate_limit_redis_count count;

	assert_string_equal(redis_server_ask(server, "SCRIPT LOAD %s",
				rate_limit_redis_script.text),
	    rate_limit_redis_script.sha1);
	for (int i = 0; i < 3; i++) {
		(void)redis_server_ask(server, "SCRIPT FLUSH");
		assert_int_equal(rate_limit_redis_take(
				     f->client->redis, &key, 1, START, &count),
		    ERR_OK);
		assert_int_equal(redis_server_int(server, "SCRIPT EXISTS %s",
				     rate_limit_redis_script.sha1),
		    1);
	}
	redis_server_stop(server);
	assert_int_equal(
	    rate_limit_redis_take(f->client->redis, &key, 1, START, &count),
	    ERR_UNAVAILABLE);
}

/* A process that can write to Redis can put anything there. */
TEST_IN(REDIS, nonsense_in_redis_is_no_count, struct fixture *f)
{
	static const char *const values[] = { "", "nonsense", "1:", ":1",
		"::", "99999999999999999999999999:1",
		"1:999999999999999999999999", "1800000000000:-5", "1e99:1e99" };
	const struct rate_limit_shm_rule rule = { WINDOW, 5 };
	const struct rate_limit_redis_key key = { "rate_limit:a", &rule };

	for (size_t i = 0; i < NELEMS(values); i++) {
		struct rate_limit_redis_count count;

		(void)redis_server_ask(
		    f->client->server, "SET site:rate_limit:a %s", values[i]);
		assert_int_equal(rate_limit_redis_take(
				     f->client->redis, &key, 1, START, &count),
		    ERR_OK);
		assert_int_equal(rate_limit_redis_refund(f->client->redis, &key,
				     1, count.at_ms, START),
		    ERR_OK);
	}
}
