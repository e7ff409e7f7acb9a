/* SPDX-License-Identifier: ISC */
#include "host/stats.h"

#include <stdatomic.h>
#include <string.h>

#include "host/layout.h"
#include "host/mapped.h"

#define OCTAVE STATS_BUCKETS_PER_OCTAVE
#define OCTAVE_BITS 3
#define US_MAX (((uint64_t)1 << 26) - 1)

_Static_assert(OCTAVE == 1 << OCTAVE_BITS, "buckets are cut by bits");
_Static_assert(STATS_REDIS_HITS == STATS_TABLE_HITS + 3 &&
	STATS_STORE_HITS == STATS_REDIS_HITS + 3 &&
	STATS_STORE_ERRORS == STATS_STORE_HITS + 2,
    "stats_tier() finds a tier's counters by number");

/* The most frequent first; 0 stands for all that are not here. */
static const short statuses[] = { 200, 401, 204, 201, 503, 429, 403, 404, 400,
	405, 409, 413, 415, 422, 500, 302, 303, 304, 202, 0 };

_Static_assert(NELEMS(statuses) <= STATS_STATUSES, "each has its column");

/* ---- counting ---- */

static void
add(_Atomic uint64_t *number, uint64_t n)
{
	(void)atomic_fetch_add_explicit(number, n, memory_order_relaxed);
}

void
stats_add(const struct mapped *m, enum stats_counter counter, uint64_t n)
{
	add(&mapped_slot(m)->counter[counter], n);
}

void
stats_tier(const struct mapped *m, enum stats_tier tier, enum err err)
{
	int what = err == ERR_OK ? 0 : err == ERR_NOT_FOUND ? 1 : 2;

	add(&mapped_slot(m)->counter[STATS_TABLE_HITS + 3 * (int)tier + what],
	    1);
}

/* 0 to 7 have a bucket each; from there on each power of two has eight. */
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

/* The least that falls into bucket ${i}. */
static uint64_t
bucket_start(size_t i)
{
	size_t octave = i / OCTAVE;

	if (octave < 2)
		return i;
	return (uint64_t)(OCTAVE + i % OCTAVE) << (octave - 1);
}

void
stats_time(const struct mapped *m, enum stats_timer timer, int64_t us)
{
	struct layout_time *t = &mapped_slot(m)->time[timer];
	uint64_t took = us > 0 ? (uint64_t)us : 0;

	add(&t->sum_us, took);
	add(&t->bucket[bucket_of(took)], 1);
}

void
stats_request(const struct mapped *m, size_t route, int status)
{
	size_t i = 0;

	while (statuses[i] != status && statuses[i] != 0)
		i++;
	if (route >= STATS_ROUTES)
		route = STATS_NO_ROUTE;
	add(&mapped_slot(m)->request[route][i], 1);
}

/* ---- reading ---- */

static uint64_t
load(const _Atomic uint64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

static void
read_time(const struct layout_time *from, struct stats_time *to)
{
	to->sum_us += load(&from->sum_us);
	for (size_t i = 0; i < STATS_BUCKETS; i++) {
		uint64_t n = load(&from->bucket[i]);

		to->bucket[i] += n;
		to->count += n;
	}
}

static void
read_slot(const struct layout_slot *from, struct stats *to)
{
	for (size_t i = 0; i < STATS_COUNTERS; i++)
		to->counter[i] += load(&from->counter[i]);
	for (size_t r = 0; r < STATS_ROUTES; r++)
		for (size_t i = 0; i < STATS_STATUSES; i++)
			to->request[r][i] += load(&from->request[r][i]);
	for (size_t i = 0; i < STATS_TIMERS; i++)
		read_time(&from->time[i], &to->time[i]);
}

void
stats_read(const struct mapped *m, struct stats *stats_out)
{
	const struct layout_stats *from = &mapped_layout(m)->stats;
	uint32_t slots = atomic_load(&from->slots);

	memset(stats_out, 0, sizeof(*stats_out));
	stats_out->since = atomic_load(&from->since);
	for (uint32_t i = 0; i < slots && i <= STATS_SLOTS; i++)
		read_slot(&from->slot[i], stats_out);
}

static void
time_between(const struct stats_time *from, const struct stats_time *to,
    struct stats_time *out)
{
	out->count = to->count - from->count;
	out->sum_us = to->sum_us - from->sum_us;
	for (size_t i = 0; i < STATS_BUCKETS; i++)
		out->bucket[i] = to->bucket[i] - from->bucket[i];
}

void
stats_between(
    const struct stats *from, const struct stats *to, struct stats *stats_out)
{
	stats_out->since = to->since;
	for (size_t i = 0; i < STATS_COUNTERS; i++)
		stats_out->counter[i] = to->counter[i] - from->counter[i];
	for (size_t r = 0; r < STATS_ROUTES; r++)
		for (size_t i = 0; i < STATS_STATUSES; i++)
			stats_out->request[r][i] =
			    to->request[r][i] - from->request[r][i];
	for (size_t i = 0; i < STATS_TIMERS; i++)
		time_between(&from->time[i], &to->time[i], &stats_out->time[i]);
}

int
stats_status(size_t i)
{
	return i < NELEMS(statuses) ? statuses[i] : 0;
}

uint64_t
stats_bucket_end(size_t i)
{
	return bucket_start(i + 1);
}

double
stats_quantile(const struct stats_time *t, int percent)
{
	double wanted = (double)t->count * percent / 100;
	double before = 0;
	size_t i;

	if (t->count == 0)
		return 0;
	for (i = 0; i < STATS_BUCKETS - 1; i++) {
		if (t->bucket[i] > 0 && before + (double)t->bucket[i] >= wanted)
			break;
		before += (double)t->bucket[i];
	}
	/* As if they were spread evenly over the bucket. */
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
#include "host/stats.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
	FAMILIES
};

static const struct stats_family families[FAMILIES] = {
#define FAMILY(id, name, type, help) [FAMILY_##id] = { name, type, help },
#define COUNTER(id, family, labels)
#define TIMER(id, family, labels)
#include "host/stats.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
};

const struct stats_label stats_counter_labels[STATS_COUNTERS] = {
#define FAMILY(id, name, type, help)
#define COUNTER(id, family, labels)                                            \
	[STATS_##id] = { &families[FAMILY_##family], labels },
#define TIMER(id, family, labels)
#include "host/stats.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
};

const struct stats_label stats_timer_labels[STATS_TIMERS] = {
#define FAMILY(id, name, type, help)
#define COUNTER(id, family, labels)
#define TIMER(id, family, labels)                                              \
	[STATS_TIMER_##id] = { &families[FAMILY_##family], labels },
#include "host/stats.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
};
