/* SPDX-License-Identifier: ISC */
#ifndef SHM_COUNTERS_H
#define SHM_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/event.h"

struct shm;

/*
 * Counters of all processes of the host since the reset of the shared memory
 * file.  Each process adds to a slot of its own; the total is the sum of all
 * slots.  A later process goes on in the slot of one that ended, so the counts
 * of a killed process stay.  Counting is a relaxed atomic add to memory that no
 * other process writes: no lock, no system call.
 */
enum counters_id {
#define FAMILY(id, name, type, help)
#define COUNTER(id, family, labels) COUNTERS_##id,
#define TIMER(id, family, labels)
#include "shm/counters.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
	COUNTERS_COUNT,
	COUNTERS_NONE = COUNTERS_COUNT
};

enum counters_timer {
#define FAMILY(id, name, type, help)
#define COUNTER(id, family, labels)
#define TIMER(id, family, labels) COUNTERS_TIMER_##id,
#include "shm/counters.def"
#undef FAMILY
#undef COUNTER
#undef TIMER
	COUNTERS_TIMERS
};

/* In the order of their counters in counters.def. */
enum counters_tier {
	COUNTERS_TIER_MEMORY,
	COUNTERS_TIER_REDIS,
	COUNTERS_TIER_STORE
};

#define COUNTERS_SLOTS 64    /* processes that count without contention */
#define COUNTERS_ROUTES 64   /* rows of the route table + COUNTERS_NO_ROUTE */
#define COUNTERS_STATUSES 21 /* those of counters_status() */
#define COUNTERS_NO_ROUTE (COUNTERS_ROUTES - 1)

/*
 * Microseconds up to 2^26 (67 s), eight buckets to each power of two: a
 * quantile is off by an eighth at most.
 */
#define COUNTERS_BUCKETS_PER_OCTAVE 8
#define COUNTERS_BUCKETS ((26 - 2) * COUNTERS_BUCKETS_PER_OCTAVE)

/**
 * counters_add(shm, counter, n): add ${n} to ${counter}.
 * counters_event(shm, event): count ${event} on the counter of its row in
 * model/events.def, if it has one.
 * counters_tier(shm, tier, err): count a read of ${tier}: a hit if ${err} is
 * ERR_OK, a miss if it is ERR_NOT_FOUND, an error otherwise.
 * counters_time(shm, timer, us): record a duration of ${us} microseconds.
 * counters_request(shm, route, status): count an answer ${status} of row
 * ${route} of the route table (COUNTERS_NO_ROUTE: no row matched).
 */
void counters_add(const struct shm *shm, enum counters_id counter, uint64_t n);
void counters_event(const struct shm *shm, enum event event);
void counters_tier(
    const struct shm *shm, enum counters_tier tier, enum err err);
void counters_time(
    const struct shm *shm, enum counters_timer timer, int64_t us);
void counters_request(const struct shm *shm, size_t route, int status);

/* ---- reading ---- */

struct counters_time {
	uint64_t count;
	uint64_t sum_us;
	uint64_t bucket[COUNTERS_BUCKETS];
};

struct counters {
	int64_t since; /* seconds since the epoch */
	uint64_t counter[COUNTERS_COUNT];
	uint64_t request[COUNTERS_ROUTES][COUNTERS_STATUSES];
	struct counters_time time[COUNTERS_TIMERS];
};

/* counters_read(shm, counters_out): sum all slots, ended processes included. */
void counters_read(const struct shm *shm, struct counters *counters_out);

/* counters_between(from, to, counters_out): ${to} minus ${from}. */
void counters_between(const struct counters *from, const struct counters *to,
    struct counters *counters_out);

/* counters_status(i): the status that request[][${i}] counts; 0: all others. */
int counters_status(size_t i);

/* counters_bucket_end(i): bucket ${i} has times below this, in us. */
uint64_t counters_bucket_end(size_t i);

/* counters_quantile(t, percent): in microseconds; 0 if ${t} is empty. */
double counters_quantile(const struct counters_time *t, int percent);

/* Names of the counters in metrics and statistics. */
struct counters_family {
	const char *name; /* "latchkey_" stands before it */
	const char *type;
	const char *help;
};
struct counters_label {
	const struct counters_family *family;
	const char *labels; /* name="value", or "" */
};
extern const struct counters_label counters_labels[COUNTERS_COUNT];
extern const struct counters_label counters_timer_labels[COUNTERS_TIMERS];

#endif
