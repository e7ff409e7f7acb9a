/* SPDX-License-Identifier: ISC */
#include "shm/rate_limit.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "base/siphash.h"
#include "base/testpoint.h"
#include "shm/mutex.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"

/*
 * A process may be killed between any two instructions.  A count changes one
 * word, which holds a block's time and number; a slot is renamed only after its
 * blocks have expired and were cleared.  So the data are always valid, the next
 * owner of the mutex has nothing to repair, and the counts of a dead process
 * stay.  The words are atomic so that the compiler does not reorder the writes.
 */
#define BLOCKS SHM_LAYOUT_LIMIT_BLOCKS
#define COUNT_BITS 20
#define COUNT_MASK (((uint64_t)1 << COUNT_BITS) - 1)

/*
 * A count takes a microsecond, unless its process waits for a core.  The event
 * loop of a worker waits here.
 */
#define LOCK_WAIT_MS 50

_Static_assert(RATE_LIMIT_SHM_BLOCKS == BLOCKS, "the header states it");
_Static_assert(RATE_LIMIT_SHM_MAX < COUNT_MASK, "one block can hold ->max");
_Static_assert(sizeof(struct shm_layout_rate_limit) == 128, "two cache lines");

/* ---- blocks ---- */

static uint64_t
block_of(int64_t at_ms, uint64_t count)
{
	return (uint64_t)at_ms << COUNT_BITS | count;
}

static int64_t
time_of(uint64_t block)
{
	return (int64_t)(block >> COUNT_BITS);
}

static uint64_t
count_of(uint64_t block)
{
	return block & COUNT_MASK;
}

static bool
counts(uint64_t block, int64_t window_ms, int64_t now_ms)
{
	return count_of(block) > 0 && now_ms - time_of(block) <= window_ms;
}

/* Of two with the same time, the one with fewer counts. */
static bool
is_later(uint64_t a, uint64_t b)
{
	return time_of(a) > time_of(b) ||
	    (time_of(a) == time_of(b) && count_of(a) < count_of(b));
}

/* ---- slots ---- */

/*
 * Return true if any block of ${s} counts.  A block more than a span in the
 * future was made before the clock stepped back; it gets the present time, so
 * that it does not count until the clock has caught up.
 */
static bool
is_live(struct shm_layout_rate_limit *s, int64_t now_ms)
{
	int64_t span = atomic_load(&s->span_ms);
	bool live = false;

	for (size_t i = 0; i < BLOCKS; i++) {
		uint64_t b = atomic_load(&s->block[i]);

		if (count_of(b) > 0 && time_of(b) - now_ms > span) {
			b = block_of(now_ms, count_of(b));
			atomic_store(&s->block[i], b);
		}
		live = live || counts(b, span, now_ms);
	}
	return live;
}

static size_t
set_of(uint64_t name)
{
	return (size_t)(name >> 32) % SHM_LAYOUT_LIMIT_SETS;
}

static struct shm_layout_rate_limit *
shared_of(struct shm_layout_rate_limits *ls, uint64_t name)
{
	return &ls->slot[set_of(name) * SHM_LAYOUT_LIMIT_WAYS];
}

static bool
is_shared(uint32_t slot)
{
	return slot % SHM_LAYOUT_LIMIT_WAYS == 0;
}

/* The slot of ${name}, or a free one, or the shared one. */
static struct shm_layout_rate_limit *
find(struct shm_layout_rate_limits *ls, uint64_t name, int64_t now_ms)
{
	struct shm_layout_rate_limit *set = shared_of(ls, name);

	for (size_t i = 1; i < SHM_LAYOUT_LIMIT_WAYS; i++)
		if (atomic_load(&set[i].name) == name)
			return &set[i];
	for (size_t i = 1; i < SHM_LAYOUT_LIMIT_WAYS; i++)
		if (!is_live(&set[i], now_ms))
			return &set[i];
	return set;
}

/*
 * Assign ${s}, of which no block counts, to ${name}.  Copy the counts of the
 * shared slot, because they may be those of ${name}.
 */
static void
rename_to(struct shm_layout_rate_limit *s, uint64_t name,
    const struct shm_layout_rate_limit *shared, int64_t window_ms,
    int64_t now_ms)
{
	for (size_t i = 0; i < BLOCKS; i++) {
		uint64_t b = atomic_load(&shared->block[i]);

		if (i == BLOCKS / 2)
			TESTPOINT("rate_limit:emptying");
		atomic_store(
		    &s->block[i], counts(b, window_ms, now_ms) ? b : 0);
	}
	TESTPOINT("rate_limit:emptied");
	atomic_store(&s->name, name);
	TESTPOINT("rate_limit:named");
}

/* ---- counting ---- */

static uint64_t
sum_after(const struct shm_layout_rate_limit *s, int64_t window_ms,
    int64_t after_ms, int64_t now_ms)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < BLOCKS; i++) {
		uint64_t b = atomic_load(&s->block[i]);

		if (counts(b, window_ms, now_ms) && time_of(b) > after_ms)
			sum += count_of(b);
	}
	return sum;
}

/* The time until enough blocks have left the window for one count. */
static int64_t
wait_of(const struct shm_layout_rate_limit *s,
    const struct rate_limit_shm_rule *rule, int64_t now_ms)
{
	int64_t wait = INT64_MAX;

	for (size_t i = 0; i < BLOCKS; i++) {
		uint64_t b = atomic_load(&s->block[i]);
		int64_t until = time_of(b) + rule->window_ms + 1 - now_ms;

		if (counts(b, rule->window_ms, now_ms) && until < wait &&
		    sum_after(s, rule->window_ms, time_of(b), now_ms) <
			(uint64_t)rule->max)
			wait = until;
	}
	return wait;
}

/*
 * Add one to the latest block if that has less than its share of the limit, or
 * else to an expired one.  If none has expired, because of refunds, add to the
 * latest nevertheless, which is too strict.
 */
static bool
add_one(struct shm_layout_rate_limit *s, const struct rate_limit_shm_rule *rule,
    int64_t now_ms)
{
	uint64_t share = ((uint64_t)rule->max + BLOCKS - 1) / BLOCKS;
	int64_t span = atomic_load(&s->span_ms);
	_Atomic uint64_t *spare = NULL, *to = &s->block[0];
	uint64_t latest = 0;
	bool has_room;

	for (size_t i = 0; i < BLOCKS; i++) {
		uint64_t b = atomic_load(&s->block[i]);

		if (!counts(b, span, now_ms)) {
			spare = &s->block[i];
		} else if (latest == 0 || is_later(b, latest)) {
			latest = b;
			to = &s->block[i];
		}
	}
	has_room = count_of(latest) > 0 && count_of(latest) < share &&
	    counts(latest, rule->window_ms, now_ms);
	if (spare != NULL && !has_room) {
		to = spare;
		latest = 0;
	}
	if (count_of(latest) == COUNT_MASK)
		return false;
	if (time_of(latest) > now_ms)
		now_ms = time_of(latest);
	TESTPOINT("rate_limit:counting");
	atomic_store(to, block_of(now_ms, count_of(latest) + 1));
	TESTPOINT("rate_limit:counted");
	return true;
}

/* Keep the blocks of ${s} for the longest window of its keys. */
static void
set_span(struct shm_layout_rate_limit *s, bool live, int64_t window_ms)
{
	if (!live || atomic_load(&s->span_ms) < window_ms)
		atomic_store(&s->span_ms, window_ms);
}

static enum err
check_records(struct shm_layout_rate_limit *s,
    const struct rate_limit_shm_rule *rule, int64_t now_ms, bool take,
    int64_t *wait_out)
{
	if (sum_after(s, rule->window_ms, INT64_MIN, now_ms) >=
	    (uint64_t)rule->max) {
		*wait_out = wait_of(s, rule, now_ms);
		return ERR_LIMITED;
	}
	if (take && !add_one(s, rule, now_ms)) {
		*wait_out = rule->window_ms + 1;
		return ERR_LIMITED;
	}
	return ERR_OK;
}

/* Holding the mutex. */
static enum err
count_or_check(struct shm_layout_rate_limits *ls,
    const struct rate_limit_shm_rule *rule, bool take,
    struct rate_limit_shm_count *count)
{
	struct shm_layout_rate_limit *shared = shared_of(ls, count->name);
	struct shm_layout_rate_limit *s = find(ls, count->name, count->at_ms);
	bool live = is_live(s, count->at_ms);

	if (s != shared && atomic_load(&s->name) != count->name) {
		if (take)
			rename_to(s, count->name, shared, rule->window_ms,
			    count->at_ms);
		else
			s = shared; /* as rename_to() would have it */
	}
	count->slot = (uint32_t)(s - ls->slot);
	if (take)
		set_span(s, live, rule->window_ms);
	return check_records(s, rule, count->at_ms, take, &count->wait_ms);
}

/* ---- the mutex of a set ---- */

static pthread_mutex_t *
mutex_of(struct shm_layout_rate_limits *ls, uint64_t name)
{
	return &ls->mutex[set_of(name) % SHM_LAYOUT_LIMIT_LOCKS];
}

static enum err
lock(struct shm_layout_rate_limits *ls, uint64_t name)
{
	int rc = mutex_take(mutex_of(ls, name), LOCK_WAIT_MS);

	if (rc == EOWNERDEAD) {
		log_event(
		    LOG_LEVEL_WARN, "rate_limit_recovered", "owner_died=1");
		rc = pthread_mutex_consistent(mutex_of(ls, name));
		assert(rc == 0);
	} else if (rc != 0) {
		log_event(
		    LOG_LEVEL_WARN, "rate_limit_lock_timeout", "errno=%d", rc);
		return ERR_UNAVAILABLE;
	}
	TESTPOINT("rate_limit:locked");
	return ERR_OK;
}

static void
unlock(struct shm_layout_rate_limits *ls, uint64_t name)
{
	mutex_give(mutex_of(ls, name));
}

/* ---- interface ---- */

static enum err
lock_and_count(struct shm *shm, const char *key,
    const struct rate_limit_shm_rule *rule, bool take,
    struct rate_limit_shm_count *count)
{
	struct shm_layout *lo = shm_layout(shm);
	enum err err;

	assert(rule->max >= 1 && rule->max <= RATE_LIMIT_SHM_MAX &&
	    rule->window_ms >= 1 &&
	    rule->window_ms <= RATE_LIMIT_SHM_WINDOW_MAX_MS);
	/* Not 0, which means free. */
	count->name = siphash_bytes(lo->hash_key, key, strlen(key)) | 1;
	err = lock(&lo->limits, count->name);
	if (err != ERR_OK)
		return err;
	err = count_or_check(&lo->limits, rule, take, count);
	unlock(&lo->limits, count->name);
	return err;
}

enum err
rate_limit_shm_take(struct shm *shm, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now_ms,
    struct rate_limit_shm_count *count_out)
{
	*count_out = (struct rate_limit_shm_count){ .at_ms = now_ms };
	return lock_and_count(shm, key, rule, true, count_out);
}

enum err
rate_limit_shm_peek(struct shm *shm, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now_ms,
    struct rate_limit_shm_count *count_out)
{
	*count_out = (struct rate_limit_shm_count){ .at_ms = now_ms };
	return lock_and_count(shm, key, rule, false, count_out);
}

/*
 * The count is in a block of its time or later.  The earliest of these expires
 * no later than the count, so decrementing it never counts too few.
 */
static void
refund(struct shm_layout_rate_limit *s, int64_t at_ms)
{
	_Atomic uint64_t *from = NULL;
	uint64_t first = 0;

	for (size_t i = 0; i < BLOCKS; i++) {
		uint64_t b = atomic_load(&s->block[i]);

		if (count_of(b) > 0 && time_of(b) >= at_ms &&
		    (from == NULL || time_of(b) < time_of(first))) {
			from = &s->block[i];
			first = b;
		}
	}
	if (from != NULL)
		atomic_store(from, first - 1);
}

void
rate_limit_shm_refund(struct shm *shm, const struct rate_limit_shm_count *count,
    const struct rate_limit_shm_rule *rule, int64_t now_ms)
{
	struct shm_layout_rate_limits *ls = &shm_layout(shm)->limits;
	struct shm_layout_rate_limit *s = &ls->slot[count->slot];

	if (now_ms < count->at_ms || now_ms - count->at_ms > rule->window_ms ||
	    lock(ls, count->name) != ERR_OK)
		return;
	if (is_shared(count->slot) || atomic_load(&s->name) == count->name)
		refund(s, count->at_ms);
	unlock(ls, count->name);
}
