/* SPDX-License-Identifier: ISC */
#include "shm/counters.h"

#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"
#include "support/child.h"
#include "support/shm_fixture.h"

#define CHILDREN 4
#define ROUNDS 20000

struct fixture {
	struct table table;
	struct shm *m;
	struct counters counters;
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
}

static void
tear_down(struct fixture *f)
{
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static const struct counters *
now(struct fixture *f)
{
	counters_read(f->m, &f->counters);
	return &f->counters;
}

static ptrdiff_t
slot_of(const struct shm *m)
{
	return shm_slot(m) - shm_layout(m)->counters.slot;
}

/* ---- who counts where ---- */

static void
count_a_lot(const struct shm *m)
{
	for (int i = 0; i < ROUNDS; i++) {
		counters_add(m, COUNTERS_LOGINS_OK, 1);
		counters_tier(m, COUNTERS_TIER_REDIS, ERR_NOT_FOUND);
		counters_request(m, 3, 401);
		counters_time(m, COUNTERS_TIMER_FAST, 10);
	}
}

static void
count_in_child(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	count_a_lot(m);
	shm_detach(m);
}

static void
assert_counted(struct fixture *f, uint64_t times)
{
	const struct counters *s = now(f);

	assert_int_equal(s->counter[COUNTERS_LOGINS_OK], times * ROUNDS);
	assert_int_equal(s->counter[COUNTERS_REDIS_MISSES], times * ROUNDS);
	assert_int_equal(s->request[3][1], times * ROUNDS);
	assert_int_equal(s->time[COUNTERS_TIMER_FAST].count, times * ROUNDS);
	assert_int_equal(
	    s->time[COUNTERS_TIMER_FAST].sum_us, times * ROUNDS * 10);
}

TEST(all_processes_add_up, struct fixture *f)
{
	pid_t pids[CHILDREN];

	assert_int_equal(counters_status(1), 401);
	for (int i = 0; i < CHILDREN; i++)
		pids[i] = child_start(count_in_child, f);
	count_a_lot(f->m);
	for (int i = 0; i < CHILDREN; i++)
		child_passed(pids[i]);
	/* They have closed the file: what they counted is still there. */
	assert_counted(f, CHILDREN + 1);
	assert_in_range(shm_layout(f->m)->counters.slots, 1, CHILDREN + 1);
}

static void *
count_in_thread(void *m)
{
	count_a_lot(m);
	return NULL;
}

TEST(both_threads_count_in_one_slot, struct fixture *f)
{
	pthread_t background_queue;

	assert_int_equal(
	    pthread_create(&background_queue, NULL, count_in_thread, f->m), 0);
	count_a_lot(f->m);
	assert_int_equal(pthread_join(background_queue, NULL), 0);
	assert_counted(f, 2);
	assert_int_equal(shm_layout(f->m)->counters.slots, 1);
}

static void
count_and_die(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(slot_of(m) == 1);
	count_a_lot(m);
	(void)raise(SIGKILL);
}

TEST(what_the_killed_counted_stays_and_his_slot_is_free, struct fixture *f)
{
	struct shm *next;

	assert_int_equal(slot_of(f->m), 0);
	for (int i = 0; i < 3; i++)
		child_killed(child_start(count_and_die, f));
	assert_counted(f, 3);
	next = shm_fixture_open(&f->table);
	assert_int_equal(slot_of(next), 1);
	count_a_lot(next);
	assert_counted(f, 4);
	shm_detach(next);
	assert_int_equal(shm_layout(f->m)->counters.slots, 2);
}

TEST(no_two_that_live_have_one_slot, struct fixture *f)
{
	struct shm *all[COUNTERS_SLOTS + 2] = { f->m };
	struct shm *other;

	for (int i = 1; i < COUNTERS_SLOTS + 2; i++) {
		all[i] = shm_fixture_open(&f->table);
		/* Who finds none shares the last with all the others. */
		assert_int_equal(
		    slot_of(all[i]), i < COUNTERS_SLOTS ? i : COUNTERS_SLOTS);
	}
	for (int i = 0; i < COUNTERS_SLOTS + 2; i++)
		counters_add(all[i], COUNTERS_LOGOUTS, 1);
	assert_int_equal(now(f)->counter[COUNTERS_LOGOUTS], COUNTERS_SLOTS + 2);
	shm_detach(all[5]);
	other = shm_fixture_open(&f->table);
	assert_int_equal(slot_of(other), 5);
	shm_detach(other);
	for (int i = 1; i < COUNTERS_SLOTS + 2; i++) {
		if (i != 5)
			shm_detach(all[i]);
	}
	assert_int_equal(now(f)->counter[COUNTERS_LOGOUTS], COUNTERS_SLOTS + 2);
}

TEST(a_new_life_of_the_file_begins_at_nothing, struct fixture *f)
{
	int64_t before = clock_system.wall();

	count_a_lot(f->m);
	shm_detach(f->m);
	f->m = shm_fixture_open(&f->table);
	assert_counted(f, 0);
	assert_int_equal(shm_layout(f->m)->counters.slots, 1);
	assert_in_range(now(f)->since, before, clock_system.wall());
}

/* ---- what is counted ---- */

TEST(a_tier_has_hits_misses_and_errors, struct fixture *f)
{
	static const struct {
		enum counters_tier tier;
		enum counters_id first;
	} tiers[] = {
		{ COUNTERS_TIER_MEMORY, COUNTERS_MEMORY_HITS },
		{ COUNTERS_TIER_REDIS, COUNTERS_REDIS_HITS },
		{ COUNTERS_TIER_STORE, COUNTERS_STORE_HITS },
	};

	for (size_t i = 0; i < NELEMS(tiers); i++) {
		const uint64_t *counted = &now(f)->counter[tiers[i].first];

		counters_tier(f->m, tiers[i].tier, ERR_OK);
		counters_tier(f->m, tiers[i].tier, ERR_NOT_FOUND);
		counters_tier(f->m, tiers[i].tier, ERR_NOT_FOUND);
		counters_tier(f->m, tiers[i].tier, ERR_UNAVAILABLE);
		counters_tier(f->m, tiers[i].tier, ERR_INTERNAL);
		counters_tier(f->m, tiers[i].tier, ERR_INVALID);
		(void)now(f);
		assert_int_equal(counted[0], 1);
		assert_int_equal(counted[1], 2);
		assert_int_equal(counted[2], 3);
	}
}

TEST(no_request_falls_through, struct fixture *f)
{
	uint64_t sum = 0;
	size_t other = 0;

	counters_request(f->m, 0, 200);
	counters_request(f->m, 0, 299);
	counters_request(f->m, COUNTERS_NO_ROUTE, 404);
	counters_request(f->m, COUNTERS_ROUTES + 7, 404);
	counters_request(f->m, COUNTERS_NO_ROUTE, -1);
	(void)now(f);
	while (counters_status(other) != 0)
		other++;
	assert_int_equal(counters_status(0), 200);
	assert_int_equal(f->counters.request[0][0], 1);
	assert_int_equal(f->counters.request[0][other], 1);
	assert_int_equal(f->counters.request[COUNTERS_NO_ROUTE][other], 1);
	for (size_t i = 0; i < COUNTERS_STATUSES; i++) {
		sum += f->counters.request[COUNTERS_NO_ROUTE][i];
		/* No status has two columns. */
		for (size_t j = 0; j < i && counters_status(i) != 0; j++)
			assert_int_not_equal(
			    counters_status(i), counters_status(j));
	}
	assert_int_equal(sum, 3);
}

static size_t
only_bucket(struct fixture *f)
{
	const struct counters_time *t = &now(f)->time[COUNTERS_TIMER_REDIS];
	size_t found = COUNTERS_BUCKETS;

	for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
		if (t->bucket[i] == 0)
			continue;
		assert_int_equal(found, COUNTERS_BUCKETS);
		found = i;
	}
	assert_in_range(found, 0, COUNTERS_BUCKETS - 1);
	return found;
}

/* Any time lies in its bucket, and that is narrow. */
TEST(buckets_hold_what_is_in_them, struct fixture *f)
{
	uint64_t most = (uint64_t)1 << 26;

	for (size_t i = 1; i < COUNTERS_BUCKETS; i++) {
		uint64_t width =
		    counters_bucket_end(i) - counters_bucket_end(i - 1);

		assert_in_range(width, 1, 1 + counters_bucket_end(i - 1) / 8);
	}
	assert_int_equal(counters_bucket_end(0), 1);
	assert_int_equal(counters_bucket_end(COUNTERS_BUCKETS - 1), most);
	for (uint64_t us = 0; us < most; us += 1 + us / 10) {
		struct shm_layout_time *t =
		    &shm_slot(f->m)->time[COUNTERS_TIMER_REDIS];
		size_t i;

		memset(t, 0, sizeof(*t));
		counters_time(f->m, COUNTERS_TIMER_REDIS, (int64_t)us);
		i = only_bucket(f);
		assert_true(us < counters_bucket_end(i));
		assert_true(i == 0 || us >= counters_bucket_end(i - 1));
	}
}

TEST(times_out_of_bounds_count_as_the_bound, struct fixture *f)
{
	counters_time(f->m, COUNTERS_TIMER_SLOW, -5);
	counters_time(f->m, COUNTERS_TIMER_SLOW, INT64_MAX / 4);
	(void)now(f);
	assert_int_equal(f->counters.time[COUNTERS_TIMER_SLOW].count, 2);
	assert_int_equal(f->counters.time[COUNTERS_TIMER_SLOW].bucket[0], 1);
	assert_int_equal(
	    f->counters.time[COUNTERS_TIMER_SLOW].bucket[COUNTERS_BUCKETS - 1],
	    1);
}

static void
assert_near(double value, double expect)
{
	if (value < expect * 7 / 8 - 1 || value > expect * 9 / 8 + 1)
		fail_msg("%f is not near %f", value, expect);
}

TEST(quantiles_are_near_the_truth, struct fixture *f)
{
	const struct counters_time *t = &f->counters.time[COUNTERS_TIMER_STORE];

	(void)now(f);
	assert_true(counters_quantile(t, 50) == 0);
	/* 1 to 10000 us, each once. */
	for (int64_t us = 1; us <= 10000; us++)
		counters_time(f->m, COUNTERS_TIMER_STORE, us);
	(void)now(f);
	assert_int_equal(t->count, 10000);
	assert_int_equal(t->sum_us, 10000 * 10001 / 2);
	assert_near(counters_quantile(t, 1), 100);
	assert_near(counters_quantile(t, 50), 5000);
	assert_near(counters_quantile(t, 90), 9000);
	assert_near(counters_quantile(t, 99), 9900);
	assert_near(counters_quantile(t, 100), 10000);
	/* As many again, all of them very long: the median is the last short.
	 */
	for (int i = 0; i < 10000; i++)
		counters_time(f->m, COUNTERS_TIMER_STORE, 5000000);
	(void)now(f);
	assert_near(counters_quantile(t, 50), 10000);
	assert_near(counters_quantile(t, 51), 5000000);
	assert_near(counters_quantile(t, 99), 5000000);
}

static void
assert_label(const struct counters_label *label, const char *type)
{
	assert_non_null(label->family);
	assert_string_equal(label->family->type, type);
	assert_true(label->family->help[0] != '\0');
	assert_non_null(label->labels);
}

TEST(every_number_has_a_name_of_its_own)
{
	for (size_t i = 0; i < COUNTERS_COUNT; i++) {
		assert_label(&counters_labels[i], "counter");
		for (size_t j = 0; j < i; j++)
			assert_false(counters_labels[i].family ==
				counters_labels[j].family &&
			    strcmp(counters_labels[i].labels,
				counters_labels[j].labels) == 0);
	}
	for (size_t i = 0; i < COUNTERS_TIMERS; i++)
		assert_label(&counters_timer_labels[i], "histogram");
}
