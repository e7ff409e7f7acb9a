/* SPDX-License-Identifier: ISC */
#ifndef SHM_SHM_LAYOUT_H
#define SHM_SHM_LAYOUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/counters.h"

/*
 * The sections of the shared memory file; only shm/ includes this.
 * SHM_LAYOUT_VERSION rises with every change here.  magic, version, size and
 * the first two locked bytes never move: other versions recognize the file by
 * them.
 */
#define SHM_LAYOUT_MAGIC 0x79656b686374616cULL /* "latchkey" */
#define SHM_LAYOUT_VERSION 11
#define SHM_LAYOUT_GENERATIONS ((size_t)1 << 18) /* 2 MiB of counters */
/* A change touches a user, and at most all sessions it ends by name. */
#define SHM_LAYOUT_IN_FLIGHT_MAX 128

/*
 * Open-file-description locks on the file.  LIFE is held shared by every
 * process that has the file open, and exclusively by the one that resets it;
 * OPENING is held exclusively from before LIFE is locked until the file is
 * known to be good.  From SHM_LAYOUT_LOCK_SEMAPHORE on, each byte is a slot of
 * the hash semaphore.  The locks do not protect the contents of these bytes.
 */
#define SHM_LAYOUT_LOCK_LIFE 0
#define SHM_LAYOUT_LOCK_OPENING 1
#define SHM_LAYOUT_LOCK_SEMAPHORE sizeof(struct shm_layout)
/* Held by the JWKS refresher; the semaphore has at most 1024 slots. */
#define SHM_LAYOUT_LOCK_JWKS_REFRESH (SHM_LAYOUT_LOCK_SEMAPHORE + 2048)
/* One byte for each slot of the counters. */
#define SHM_LAYOUT_LOCK_SLOTS (SHM_LAYOUT_LOCK_SEMAPHORE + 4096)

struct shm_layout_circuit_breaker {
	/* Monotonic; 0: closed; bit 0: a probe runs, its lease ends then. */
	_Atomic int64_t open_until_us;
	_Atomic int64_t back_off_us; /* doubles up to its maximum */
	_Atomic uint64_t opened;     /* how often, for metrics */
};

/* ---- shm/counters ---- */

struct shm_layout_time {
	_Atomic uint64_t sum_us;
	_Atomic uint64_t bucket[COUNTERS_BUCKETS];
};

/* Counts of one process and of earlier owners of the slot. */
struct shm_layout_slot {
	_Alignas(64) _Atomic uint64_t counter[COUNTERS_COUNT];
	_Atomic uint64_t request[COUNTERS_ROUTES][COUNTERS_STATUSES];
	struct shm_layout_time time[COUNTERS_TIMERS];
};

struct shm_layout_stats {
	_Atomic int64_t since;
	_Atomic uint32_t slots; /* used since the reset */
	/* When all others are held, further processes share the last. */
	struct shm_layout_slot slot[COUNTERS_SLOTS + 1];
};

/* ---- shm/rate_limit ---- */

#define SHM_LAYOUT_LIMIT_SETS 2048
#define SHM_LAYOUT_LIMIT_WAYS 16 /* the first is the shared slot */
#define SHM_LAYOUT_LIMIT_LOCKS 64
#define SHM_LAYOUT_LIMIT_BLOCKS 14

/* Two cache lines; 4 MiB in all. */
struct shm_layout_rate_limit {
	_Alignas(64) _Atomic uint64_t name; /* hash of the key; 0: free */
	_Atomic int64_t span_ms;            /* how long its blocks count */
	/* Time of the latest count in ms, and the number of counts. */
	_Atomic uint64_t block[SHM_LAYOUT_LIMIT_BLOCKS];
};

struct shm_layout_rate_limits {
	pthread_mutex_t mutex[SHM_LAYOUT_LIMIT_LOCKS];
	struct shm_layout_rate_limit
	    slot[SHM_LAYOUT_LIMIT_SETS * SHM_LAYOUT_LIMIT_WAYS];
};

/* ---- shm/jwks_refresh_request ---- */

#define SHM_LAYOUT_REFRESH_REQUESTS 64

struct shm_layout_refresh_requests {
	_Atomic uint32_t serial; /* a futex: changes with each request */
	/* Seconds, by hash of the issuer. */
	_Atomic int64_t at[SHM_LAYOUT_REFRESH_REQUESTS];
};

struct shm_layout {
	_Atomic uint64_t magic; /* written last: the file is ready */
	uint32_t version;
	_Atomic uint32_t in_flight_count;
	uint64_t size;
	unsigned char shm_id[16];
	unsigned char hash_key[16]; /* of the bucket hash */
	_Atomic uint64_t store;     /* hash of its lock file's name; 0: none */
	_Atomic int64_t latest_time;
	_Atomic uint32_t clock_behind; /* known to be; as noted last */
	pthread_mutex_t write_mutex;   /* process-shared, robust */
	_Atomic uint32_t in_flight[SHM_LAYOUT_IN_FLIGHT_MAX];
	struct shm_layout_circuit_breaker redis;
	_Atomic uint32_t semaphore_released; /* a futex */
	struct shm_layout_refresh_requests refresh_requests;
	_Alignas(64) _Atomic uint64_t generation[SHM_LAYOUT_GENERATIONS];
	struct shm_layout_stats counters;
	struct shm_layout_rate_limits limits;
};

/* The region of shm_region() follows, page-aligned. */
#define SHM_LAYOUT_REGION ((sizeof(struct shm_layout) + 4095) / 4096 * 4096)

#endif
