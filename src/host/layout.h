/* SPDX-License-Identifier: ISC */
#ifndef HOST_LAYOUT_H
#define HOST_LAYOUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "host/stats.h"

/*
 * What lies in the mapped file.  Only host/ includes this.  LAYOUT_VERSION
 * rises with every change here; magic, version and size stay where they are,
 * and so do the two locked bytes, for that is how versions tell each other
 * apart.
 */
#define LAYOUT_MAGIC 0x79656b686374616cULL /* "latchkey" */
#define LAYOUT_VERSION 8
#define LAYOUT_GENERATIONS ((size_t)1 << 18) /* 2 MiB of counters */
/* A change touches a user, and at most all sessions it ends by name. */
#define LAYOUT_IN_FLIGHT_MAX 128

/*
 * Open-file-description locks on the file.  LIFE is held shared by everybody
 * who has it open and exclusively by the one who resets it; OPENING is held
 * exclusively from before LIFE is asked for until the file is known to be
 * good.  From LAYOUT_LOCK_GATE on, one byte is one place of the hash gate.
 * Which bytes are locked has nothing to do with what lies in them.
 */
#define LAYOUT_LOCK_LIFE 0
#define LAYOUT_LOCK_OPENING 1
#define LAYOUT_LOCK_GATE sizeof(struct layout)
/* Held by who keeps the issuers' keys; the gate has 1024 places at most. */
#define LAYOUT_LOCK_KEEPER (LAYOUT_LOCK_GATE + 2048)
/* One byte is one slot of the statistics. */
#define LAYOUT_LOCK_SLOTS (LAYOUT_LOCK_GATE + 4096)

struct layout_breaker {
	/* Monotonic; 0: closed; bit 0: a probe is out, its lease ends then. */
	_Atomic int64_t open_until_us;
	_Atomic int64_t back_off_us; /* doubles up to its bound */
	_Atomic uint64_t opened;     /* how often, for the statistics */
};

/* ---- the statistics: host/stats ---- */

struct layout_time {
	_Atomic uint64_t sum_us;
	_Atomic uint64_t bucket[STATS_BUCKETS];
};

/* What one process counts, and those before it in the same slot counted. */
struct layout_slot {
	_Alignas(64) _Atomic uint64_t counter[STATS_COUNTERS];
	_Atomic uint64_t request[STATS_ROUTES][STATS_STATUSES];
	struct layout_time time[STATS_TIMERS];
};

struct layout_stats {
	_Atomic int64_t since;
	_Atomic uint32_t slots; /* how many have ever been held */
	/* The last is shared by all who find the others held. */
	struct layout_slot slot[STATS_SLOTS + 1];
};

/* ---- the rate limits: host/limiter ---- */

#define LAYOUT_LIMIT_SETS 2048
#define LAYOUT_LIMIT_WAYS 16 /* the first is shared by those without room */
#define LAYOUT_LIMIT_LOCKS 64
#define LAYOUT_LIMIT_BLOCKS 14

/* Two cache lines; 4 MiB in all. */
struct layout_limit {
	_Alignas(64) _Atomic uint64_t name; /* hash of the key; 0: nobody's */
	_Atomic int64_t span_ms;            /* so long its blocks count */
	/* Milliseconds of the latest one in it, and how many it holds. */
	_Atomic uint64_t block[LAYOUT_LIMIT_BLOCKS];
};

struct layout_limits {
	pthread_mutex_t mutex[LAYOUT_LIMIT_LOCKS];
	struct layout_limit slot[LAYOUT_LIMIT_SETS * LAYOUT_LIMIT_WAYS];
};

/* ---- what the keeper is asked for: host/wish ---- */

#define LAYOUT_WISHES 64

struct layout_wishes {
	_Atomic uint32_t serial;           /* a futex: moves with each wish */
	_Atomic int64_t at[LAYOUT_WISHES]; /* seconds; by hash of the issuer */
};

struct layout {
	_Atomic uint64_t magic; /* written last: the file is ready */
	uint32_t version;
	_Atomic uint32_t in_flight_count;
	uint64_t size;
	unsigned char table_id[16];
	unsigned char hash_key[16]; /* of the bucket hash */
	_Atomic int64_t latest_time;
	pthread_mutex_t write_mutex; /* process-shared, robust */
	_Atomic uint32_t in_flight[LAYOUT_IN_FLIGHT_MAX];
	struct layout_breaker redis;
	_Atomic uint32_t gate_left; /* a futex: moves when a place comes free */
	struct layout_wishes wishes;
	_Alignas(64) _Atomic uint64_t generation[LAYOUT_GENERATIONS];
	struct layout_stats stats;
	struct layout_limits limits;
};

/* Behind it, from a page of its own on, lies the area: see mapped_area(). */
#define LAYOUT_AREA ((sizeof(struct layout) + 4095) / 4096 * 4096)

#endif
