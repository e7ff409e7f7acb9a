/* SPDX-License-Identifier: ISC */
#include "shm/counters.h"

#include <stdatomic.h>
#include <string.h>

#include "shm/shm.h"
#include "shm/shm_layout.h"

#define OCTAVE COUNTERS_BUCKETS_PER_OCTAVE
#define OCTAVE_BITS 3
#define US_MAX (((uint64_t)1 << 26) - 1)

_Static_assert(
    OCTAVE == 1 << OCTAVE_BITS, "an octave has a power of two buckets");
_Static_assert(COUNTERS_REDIS_HITS == COUNTERS_MEMORY_HITS + 3 &&
	COUNTERS_STORE_HITS == COUNTERS_REDIS_HITS + 3 &&
	COUNTERS_STORE_ERRORS == COUNTERS_STORE_HITS + 2,
    "counters_tier() computes the counter from the tier");

/* The most frequent first; 0: all others. */
static const short statuses[] = { 200, 401, 204, 201, 503, 429, 403, 404, 400,
	405, 409, 413, 415, 422, 431, 500, 302, 303, 304, 202, 0 };

_Static_assert(NELEMS(statuses) <= COUNTERS_STATUSES, "each has its column");

/* ---- counting ---- */

static void
add(_Atomic uint64_t *number, uint64_t n)
{
	(void)atomic_fetch_add_explicit(number, n, memory_order_relaxed);
}

void
counters_add(const struct shm *shm, enum counters_id counter, uint64_t n)
{
	add(&shm_slot(shm)->counter[counter], n);
}

void
counters_event(const struct shm *shm, enum event event)
{
	static const enum counters_id counter_of[EVENT_COUNT] = {
		[EVENT_NONE] = COUNTERS_NONE,
#define EVENT(id, audit, log, counter) [EVENT_##id] = COUNTERS_##counter,
#include "model/events.def"
#undef EVENT
	};

	if (event < EVENT_COUNT && counter_of[event] != COUNTERS_NONE)
		counters_add(shm, counter_of[event], 1);
}

void
counters_tier(const struct shm *shm, enum counters_tier tier, enum err err)
{
	int result = err == ERR_OK ? 0 : err == ERR_NOT_FOUND ? 1 : 2;

	add(&shm_slot(shm)
		 ->counter[COUNTERS_MEMORY_HITS + 3 * (int)tier + result],
	    1);
}

/* 0 to 7 have a bucket each, each power of two above has eight. */
static size_t
bucket_of(uint64_t us)
{
	unsigned octave;

	if (us < OCTAVE)
		return (size_t)us;
	if (us > US_MAX)
		us = US_MAX;
	octave = 63 - (unsigned)__builtin_clzll(us) - OCTAVE_BITS;
	return octave * OCTAVE + (size_t)(us >> octave);
}

/* The lower bound of bucket ${i}. */
static uint64_t
bucket_start(size_t i)
{
	size_t octave = i / OCTAVE;

	if (octave < 2)
		return i;
	return (uint64_t)(OCTAVE + i % OCTAVE) << (octave - 1);
}

void
counters_time(const struct shm *shm, enum counters_timer timer, int64_t us)
{
	struct shm_layout_time *t = &shm_slot(shm)->time[timer];
	uint64_t took = us > 0 ? (uint64_t)us : 0;

	add(&t->sum_us, took);
	add(&t->bucket[bucket_of(took)], 1);
}

void
counters_request(const struct shm *shm, size_t route, int status)
{
	size_t i = 0;

	while (statuses[i] != status && statuses[i] != 0)
		i++;
	if (route >= COUNTERS_ROUTES)
		route = COUNTERS_NO_ROUTE;
	add(&shm_slot(shm)->request[route][i], 1);
}

/* ---- reading ---- */

static uint64_t
load(const _Atomic uint64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

static void
read_time(const struct shm_layout_time *from, struct counters_time *to)
{
	to->sum_us += load(&from->sum_us);
	for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
		uint64_t n = load(&from->bucket[i]);

		to->bucket[i] += n;
		to->count += n;
	}
}

static void
read_slot(const struct shm_layout_slot *from, struct counters *to)
{
	for (size_t i = 0; i < COUNTERS_COUNT; i++)
		to->counter[i] += load(&from->counter[i]);
	for (size_t r = 0; r < COUNTERS_ROUTES; r++)
		for (size_t i = 0; i < COUNTERS_STATUSES; i++)
			to->request[r][i] += load(&from->request[r][i]);
	for (size_t i = 0; i < COUNTERS_TIMERS; i++)
		read_time(&from->time[i], &to->time[i]);
}

void
counters_read(const struct shm *shm, struct counters *counters_out)
{
	const struct shm_layout_stats *from = &shm_layout(shm)->counters;
	uint32_t slots = atomic_load(&from->slots);

	memset(counters_out, 0, sizeof(*counters_out));
	counters_out->since = atomic_load(&from->since);
	for (uint32_t i = 0; i < slots && i <= COUNTERS_SLOTS; i++)
		read_slot(&from->slot[i], counters_out);
}

static void
time_between(const struct counters_time *from, const struct counters_time *to,
    struct counters_time *out)
{
	out->count = to->count - from->count;
	out->sum_us = to->sum_us - from->sum_us;
	for (size_t i = 0; i < COUNTERS_BUCKETS; i++)
		out->bucket[i] = to->bucket[i] - from->bucket[i];
}

void
counters_between(const struct counters *from, const struct counters *to,
    struct counters *counters_out)
{
	counters_out->since = to->since;
	for (size_t i = 0; i < COUNTERS_COUNT; i++)
		counters_out->counter[i] = to->counter[i] - from->counter[i];
	for (size_t r = 0; r < COUNTERS_ROUTES; r++)
		for (size_t i = 0; i < COUNTERS_STATUSES; i++)
			counters_out->request[r][i] =
			    to->request[r][i] - from->request[r][i];
	for (size_t i = 0; i < COUNTERS_TIMERS; i++)
		time_between(
		    &from->time[i], &to->time[i], &counters_out->time[i]);
}

int
counters_status(size_t i)
{
	return i < NELEMS(statuses) ? statuses[i] : 0;
}

uint64_t
counters_bucket_end(size_t i)
{
	return bucket_start(i + 1);
}

double
counters_quantile(const struct counters_time *t, int percent)
{
	double wanted = (double)t->count * percent / 100;
	double before = 0;
	size_t i;

	if (t->count == 0)
		return 0;
	for (i = 0; i < COUNTERS_BUCKETS - 1; i++) {
		if (t->bucket[i] > 0 && before + (double)t->bucket[i] >= wanted)
			break;
		before += (double)t->bucket[i];
	}
	/* Assume that times are spread evenly over the bucket. */
	if (t->bucket[i] == 0)
		return (double)bucket_start(i);
	return (double)bucket_start(i) +
	    (double)(bucket_start(i + 1) - bucket_start(i)) *
	    (wanted - before) / (double)t->bucket[i];
}

/* ---- names ---- */

enum family {
#define FAMILY(id, name, type, help) FAMILY_##id,
#define COUNTER(id, family, labels)
#define TIMER(id, family, labels)
#include "shm/counters.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
	FAMILIES
};

static const struct counters_family families[FAMILIES] = {
#define FAMILY(id, name, type, help) [FAMILY_##id] = { name, type, help },
#define COUNTER(id, family, labels)
#define TIMER(id, family, labels)
#include "shm/counters.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
};

const struct counters_label counters_labels[COUNTERS_COUNT] = {
#define FAMILY(id, name, type, help)
#define COUNTER(id, family, labels)                                            \
	[COUNTERS_##id] = { &families[FAMILY_##family], labels },
#define TIMER(id, family, labels)
#include "shm/counters.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
};

const struct counters_label counters_timer_labels[COUNTERS_TIMERS] = {
#define FAMILY(id, name, type, help)
#define COUNTER(id, family, labels)
#define TIMER(id, family, labels)                                              \
	[COUNTERS_TIMER_##id] = { &families[FAMILY_##family], labels },
#include "shm/counters.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
};
