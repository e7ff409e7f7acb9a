/* SPDX-License-Identifier: ISC */
/*
 * What tests/contract/test_rate_limits does not test of the shared memory file:
 * keys that find no room, processes that are killed or stopped while they
 * count, and many at once.
 */
#include "shm/rate_limit.h"

#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/siphash.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"
#include "support/child.h"
#include "support/process.h"
#include "support/shm_fixture.h"

#define START ((int64_t)1000000)
#define WINDOW ((int64_t)60000)
#define SPAN (WINDOW + 1)                  /* with both its ends */
#define PLACES (SHM_LAYOUT_LIMIT_WAYS - 1) /* that are not shared */
#define PROCESSES 8

static const struct rate_limit_shm_rule five = { WINDOW, 5 };

struct fixture {
	struct table table;
	struct shm *m;
	int serial;
};

static void
setup(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	child_points(f->table.dir);
}

static void
teardown(struct fixture *f)
{
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, setup, teardown);

struct signing_key {
	char text[32];
};

static size_t
set_of(const struct fixture *f, const struct signing_key *key)
{
	const struct shm_layout *lo = shm_layout(f->m);

	return (size_t)(siphash_bytes(
			    lo->hash_key, key->text, strlen(key->text)) >>
		   32) %
	    SHM_LAYOUT_LIMIT_SETS;
}

/* A key that no test had yet, of the set ${set}. */
static struct signing_key
key_in(struct fixture *f, size_t set)
{
	struct signing_key key;

	do {
		snprintf(key.text, sizeof(key.text), "key:%d", f->serial++);
	} while (set_of(f, &key) != set);
	return key;
}

static enum err
take(struct fixture *f, const struct signing_key *key,
    const struct rate_limit_shm_rule *rule, int64_t now)
{
	struct rate_limit_shm_count count;

	return rate_limit_shm_take(f->m, key->text, rule, now, &count);
}

static int
take_all(struct fixture *f, const struct signing_key *key,
    const struct rate_limit_shm_rule *rule, int64_t now)
{
	int counted = 0;

	while (take(f, key, rule, now) == ERR_OK)
		counted++;
	return counted;
}

/* Use up the places of the set ${set} until ${now} + SPAN. */
static void
crowd(struct fixture *f, size_t set, int64_t now)
{
	for (int i = 0; i < PLACES; i++) {
		struct signing_key key = key_in(f, set);

		assert_int_equal(take_all(f, &key, &five, now), five.max);
	}
}

/* ---- no room ---- */

TEST(keys_without_room_share_a_place_and_are_never_let_pass, struct fixture *f)
{
	struct signing_key a = key_in(f, 7), b = key_in(f, 7), c = key_in(f, 8);

	crowd(f, 7, START);
	assert_int_equal(take(f, &a, &five, START), ERR_OK);
	assert_int_equal(take(f, &a, &five, START), ERR_OK);
	assert_int_equal(take_all(f, &b, &five, START + 1), 3);
	assert_int_equal(take(f, &a, &five, START + 2), ERR_LIMITED);
	assert_int_equal(take_all(f, &c, &five, START), 5); /* another set */
	/* When others have left, so has what they did. */
	assert_int_equal(take_all(f, &a, &five, START + SPAN), 2);
	assert_int_equal(take_all(f, &a, &five, START + SPAN + 1), 3);
}

/* Its counts follow it out of the shared place. */
TEST(room_that_is_found_later_opens_nothing, struct fixture *f)
{
	struct signing_key a = key_in(f, 7);
	struct rate_limit_shm_count count;

	crowd(f, 7, START);
	for (int i = 0; i < 3; i++)
		assert_int_equal(take(f, &a, &five, START + 9), ERR_OK);
	/* From this time on there is room, and none is in its name yet. */
	assert_int_equal(rate_limit_shm_peek(f->m, a.text,
			     &(struct rate_limit_shm_rule){ WINDOW, 3 },
			     START + SPAN, &count),
	    ERR_LIMITED);
	assert_int_equal(count.wait_ms, 9);
	assert_int_equal(
	    rate_limit_shm_peek(f->m, a.text, &five, START + SPAN, &count),
	    ERR_OK);
	assert_int_equal(take_all(f, &a, &five, START + SPAN), 2);
	assert_int_equal(
	    rate_limit_shm_peek(f->m, a.text, &five, START + SPAN, &count),
	    ERR_LIMITED);
	assert_int_equal(count.wait_ms, 9);
	assert_int_equal(take_all(f, &a, &five, START + SPAN + 9), 3);
}

static unsigned seed;

/* The same on every run. */
static int
draw(void)
{
	return rand_r(&seed);
}

/* Of each key never more than so many, however they come and go. */
#define KEYS 24
#define STEPS 60000
#define LOG_MAX STEPS

struct history {
	struct rate_limit_shm_count taken[LOG_MAX];
	int key[LOG_MAX];
	size_t first, n; /* what came before is out of all windows */
};

static int
live(const struct history *h, int key, int64_t window, int64_t now)
{
	int n = 0;

	for (size_t i = h->first; i < h->n; i++)
		n += h->key[i] == key && now - h->taken[i].at_ms <= window;
	return n;
}

TEST(more_keys_than_places_never_open_a_limit, struct fixture *f)
{
	static const struct rate_limit_shm_rule rules[] = { { WINDOW, 5 },
		{ 4 * WINDOW, 3 }, { WINDOW, 20 } };
	struct history *h = calloc(1, sizeof(*h));
	struct signing_key keys[KEYS];
	int64_t now = START;
	int refused = 0;

	assert_non_null(h);
	seed = 4;
	for (size_t i = 0; i < KEYS; i++)
		keys[i] = key_in(f, 7);
	for (int step = 0; step < STEPS; step++) {
		int k = draw() % KEYS;
		const struct rate_limit_shm_rule *rule = &rules[k % 3];
		int before = live(h, k, rule->window_ms, now);
		struct rate_limit_shm_count count;
		enum err err;

		err =
		    rate_limit_shm_take(f->m, keys[k].text, rule, now, &count);
		assert_true(err == ERR_OK || err == ERR_LIMITED);
		refused += err != ERR_OK && before < rule->max;
		if (err == ERR_OK) {
			assert_true(before < rule->max);
			if (draw() % 4 == 0) {
				rate_limit_shm_refund(
				    f->m, &count, rule, now + 1);
			} else {
				h->taken[h->n] = count;
				h->key[h->n++] = k;
			}
		}
		now += draw() % 900;
		while (h->first < h->n &&
		    now - h->taken[h->first].at_ms > 4 * WINDOW)
			h->first++;
	}
	assert_true(h->n > 1000);
	assert_true(refused > 100); /* or no place was ever shared */
	free(h);
}

TEST(a_block_never_counts_past_its_end, struct fixture *f)
{
	const struct rate_limit_shm_rule most = { WINDOW, RATE_LIMIT_SHM_MAX };
	struct signing_key key = key_in(f, 7);
	struct shm_layout_rate_limit *s;
	struct rate_limit_shm_count count;

	assert_int_equal(
	    rate_limit_shm_take(f->m, key.text, &most, START, &count), ERR_OK);
	s = &shm_layout(f->m)->limits.slot[count.slot];
	/* All of it older than a short window, none older than a long one. */
	for (size_t i = 0; i < RATE_LIMIT_SHM_BLOCKS; i++)
		atomic_store(&s->block[i], (uint64_t)START << 20 | 0xfffff);
	assert_int_equal(take(f, &key, &(struct rate_limit_shm_rule){ 1000, 5 },
			     START + 1001),
	    ERR_LIMITED);
	assert_int_equal(take(f, &key, &most, START + 1001), ERR_LIMITED);
	assert_int_equal(take(f, &key, &most, START + SPAN), ERR_OK);
}

/* ---- killed and stopped ---- */

static struct {
	struct fixture *f;
	struct signing_key key;
	int64_t now;
} doomed;

static void
count_one(void *ctx)
{
	struct shm *m;

	(void)ctx;
	child_check(
	    shm_attach(doomed.f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(rate_limit_shm_take(m, doomed.key.text, &five, doomed.now,
			&(struct rate_limit_shm_count){ 0 }) == ERR_OK);
	shm_detach(m);
}

TEST(who_dies_while_he_counts_wedges_nothing)
{
	static const struct {
		const char *point;
		int left; /* of what may be counted */
	} cases[] = {
		{ "rate_limit:locked.kill", 5 },
		{ "rate_limit:emptying.kill", 5 },
		{ "rate_limit:emptied.kill", 5 },
		{ "rate_limit:named.kill", 5 },
		{ "rate_limit:counting.kill", 5 },
		{ "rate_limit:counted.kill", 4 },
	};

	doomed.f = *state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		int64_t now = START + (int64_t)i * 2 * SPAN;

		/* Every place had another owner before. */
		crowd(doomed.f, 7, now);
		doomed.now = now + SPAN;
		doomed.key = key_in(doomed.f, 7);
		child_arm(cases[i].point);
		child_killed(child_start(count_one, NULL));
		assert_int_equal(
		    take_all(doomed.f, &doomed.key, &five, doomed.now),
		    cases[i].left);
		for (int n = 1; n < PLACES; n++) {
			struct signing_key other = key_in(doomed.f, 7);

			assert_int_equal(
			    take_all(doomed.f, &other, &five, doomed.now), 5);
		}
	}
}

/* A stopped one holds up those of its part, and these not for long. */
TEST(who_is_stopped_while_he_counts_is_not_waited_for, struct fixture *f)
{
	struct signing_key other = key_in(f, 8);
	pid_t pid;

	doomed.f = f;
	doomed.now = START;
	doomed.key = key_in(f, 7);
	child_arm("rate_limit:counting.once-hold");
	pid = child_start(count_one, NULL);
	child_reached("rate_limit:counting");
	assert_int_equal(take(f, &doomed.key, &five, START), ERR_UNAVAILABLE);
	assert_int_equal(take_all(f, &other, &five, START), 5);
	child_release("rate_limit:counting", pid);
	child_passed(pid);
	assert_int_equal(take_all(f, &doomed.key, &five, START), 4);
}

/* ---- many at once ---- */

#define CROWD_KEYS 3

struct throng {
	pthread_barrier_t start;
	atomic_int counted[CROWD_KEYS];
	atomic_int refused;
	atomic_bool over;
};

struct runner {
	struct fixture *f;
	struct throng *throng;
	struct signing_key keys[CROWD_KEYS];
	int max;
	bool refunds;
};

static void
run(void *ctx)
{
	struct runner *r = ctx;
	const struct rate_limit_shm_rule rule = { WINDOW, r->max };
	struct rate_limit_shm_count count;
	struct shm *m;

	child_check(unsetenv("LATCHKEY_TESTPOINT_DIR") == 0);
	child_check(shm_attach(r->f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	(void)pthread_barrier_wait(&r->throng->start);
	for (unsigned i = 0; !atomic_load(&r->throng->over); i++) {
		unsigned k = i % CROWD_KEYS;
		enum err err = rate_limit_shm_take(
		    m, r->keys[k].text, &rule, START, &count);

		/* The others may not let us have our turn for a while. */
		child_check(err == ERR_OK || err == ERR_LIMITED ||
		    err == ERR_UNAVAILABLE);
		if (err == ERR_OK && r->refunds && i % 5 == 0)
			rate_limit_shm_refund(m, &count, &rule, START);
		else if (err == ERR_OK)
			atomic_fetch_add(&r->throng->counted[k], 1);
		else
			atomic_fetch_add(&r->throng->refused, 1);
	}
	shm_detach(m);
}

static bool
all_is_counted(void *ctx)
{
	const struct runner *r = ctx;

	if (atomic_load(&r->throng->refused) < 20000)
		return false;
	for (size_t k = 0; k < CROWD_KEYS && !r->refunds; k++)
		if (atomic_load(&r->throng->counted[k]) < r->max)
			return false;
	return true;
}

static void
many_at_once(struct fixture *f, int max, bool refunds)
{
	struct runner r = { .f = f, .max = max, .refunds = refunds };
	pthread_barrierattr_t attr;
	pid_t pids[PROCESSES];

	r.throng = child_shared(sizeof(*r.throng));
	assert_int_equal(pthread_barrierattr_init(&attr), 0);
	assert_int_equal(
	    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	assert_int_equal(
	    pthread_barrier_init(&r.throng->start, &attr, PROCESSES), 0);
	for (size_t k = 0; k < CROWD_KEYS; k++)
		r.keys[k] = key_in(f, 7);
	for (size_t i = 0; i < PROCESSES; i++)
		pids[i] = child_start(run, &r);
	assert_true(process_until(all_is_counted, &r, 30000));
	atomic_store(&r.throng->over, true);
	for (size_t i = 0; i < PROCESSES; i++)
		child_passed(pids[i]);
	for (size_t k = 0; k < CROWD_KEYS; k++) {
		const struct rate_limit_shm_rule rule = { WINDOW, max };
		int all = atomic_load(&r.throng->counted[k]) +
		    take_all(f, &r.keys[k], &rule, START);

		/* A refund that did not get its turn was none. */
		assert_in_range(all, refunds ? 1 : max, max);
	}
	child_unshare(r.throng, sizeof(*r.throng));
}

TEST(many_at_once_count_exactly_so_many)
{
	many_at_once(*state, 5, false);
	many_at_once(*state, 1000, false);
	many_at_once(*state, 1000, true);
}

/*
 * Some are killed wherever they are: what they had counted and did not live to
 * say is lost to the others, and nothing else.
 */
TEST(some_killed_open_nothing)
{
	struct runner r = { .f = *state, .max = 200000 };
	pthread_barrierattr_t attr;
	int counted = 0;

	r.throng = child_shared(sizeof(*r.throng));
	assert_int_equal(pthread_barrierattr_init(&attr), 0);
	assert_int_equal(
	    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	assert_int_equal(pthread_barrier_init(&r.throng->start, &attr, 1), 0);
	for (size_t k = 0; k < CROWD_KEYS; k++)
		r.keys[k] = key_in(r.f, 7);
	for (int round = 0; round < 12; round++) {
		pid_t pids[3];

		for (size_t i = 0; i < NELEMS(pids); i++)
			pids[i] = child_start(run, &r);
		usleep(20000); /* wherever they are by then */
		for (size_t i = 0; i < NELEMS(pids); i++)
			child_kill(pids[i]);
	}
	for (size_t k = 0; k < CROWD_KEYS; k++) {
		const struct rate_limit_shm_rule rule = { WINDOW, r.max };
		int said = atomic_load(&r.throng->counted[k]);
		int more = take_all(r.f, &r.keys[k], &rule, START);

		assert_true(said + more <= r.max);
		/* Each of them may have died with one count in hand. */
		assert_true(said + more >= r.max - 36);
		counted += said;
	}
	assert_true(counted > 100);
	child_unshare(r.throng, sizeof(*r.throng));
}
