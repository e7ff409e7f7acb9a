/* SPDX-License-Identifier: ISC */
#ifndef HOST_STATS_H
#define HOST_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mapped;

/*
 * What all processes of the host have counted, since the mapped file began its
 * life.  Each process adds to a slot of its own in the mapped file, its lanes
 * together; the total is the sum of all slots.  Whoever comes after a process
 * has ended goes on in its slot, so what the killed had counted stays.
 *
 * To count is a relaxed atomic add to memory that no other process writes: no
 * lock, no system call.
 */
enum stats_counter {
#define FAMILY(id, name, type, help)
#define COUNTER(id, family, labels) STATS_##id,
#define TIMER(id, family, labels)
#include "host/stats.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
	STATS_COUNTERS
};

enum stats_timer {
#define FAMILY(id, name, type, help)
#define COUNTER(id, family, labels)
#define TIMER(id, family, labels) STATS_TIMER_##id,
#include "host/stats.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
	STATS_TIMERS
};

/* In the order of the counters in stats.def. */
enum stats_tier { STATS_TIER_TABLE, STATS_TIER_REDIS, STATS_TIER_STORE };

#define STATS_SLOTS 64    /* processes that count without contention */
#define STATS_ROUTES 64   /* rows of the route table, and STATS_NO_ROUTE */
#define STATS_STATUSES 20 /* those of stats_status() */
#define STATS_NO_ROUTE (STATS_ROUTES - 1)

/*
 * Microseconds up to 2^26 (67 s), eight buckets to each power of two: what is
 * read out of it is off by an eighth at most.
 */
#define STATS_BUCKETS_PER_OCTAVE 8
#define STATS_BUCKETS ((26 - 2) * STATS_BUCKETS_PER_OCTAVE)

/**
 * stats_add(m, counter, n): count ${n} more.
 * stats_tier(m, tier, err): the tier was asked: a hit if ${err} is ERR_OK, a
 * miss if it is ERR_NOT_FOUND, else an error.
 * stats_time(m, timer, us): it took ${us} microseconds.
 * stats_request(m, route, status): the ${route}th row of the route table
 * (STATS_NO_ROUTE if it was none) has answered ${status}.
 */
void stats_add(const struct mapped *m, enum stats_counter counter, uint64_t n);
void stats_tier(const struct mapped *m, enum stats_tier tier, enum err err);
void stats_time(const struct mapped *m, enum stats_timer timer, int64_t us);
void stats_request(const struct mapped *m, size_t route, int status);

/* ---- reading ---- */

struct stats_time {
	uint64_t count;
	uint64_t sum_us;
	uint64_t bucket[STATS_BUCKETS];
};

struct stats {
	int64_t since; /* seconds since the epoch */
	uint64_t counter[STATS_COUNTERS];
	uint64_t request[STATS_ROUTES][STATS_STATUSES];
	struct stats_time time[STATS_TIMERS];
};

/* stats_read(m, stats_out): the sums of all processes, ended ones too. */
void stats_read(const struct mapped *m, struct stats *stats_out);

/* stats_between(from, to, stats_out): what ${to} has more than ${from}. */
void stats_between(
    const struct stats *from, const struct stats *to, struct stats *stats_out);

/* stats_status(i): the status that request[][${i}] counts; 0: all others. */
int stats_status(size_t i);

/* stats_bucket_end(i): what fell into bucket ${i} took less microseconds. */
uint64_t stats_bucket_end(size_t i);

/* stats_quantile(t, percent): so many microseconds; 0 if nothing is in it. */
double stats_quantile(const struct stats_time *t, int percent);

/* How a number is called where it is shown. */
struct stats_family {
	const char *name; /* "latchkey_" stands before it */
	const char *type;
	const char *help;
};
struct stats_label {
	const struct stats_family *family;
	const char *labels; /* name="value", or "" */
};
extern const struct stats_label stats_counter_labels[STATS_COUNTERS];
extern const struct stats_label stats_timer_labels[STATS_TIMERS];

#endif
