/* SPDX-License-Identifier: ISC */
#ifndef SHM_CIRCUIT_BREAKER_H
#define SHM_CIRCUIT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct shm;

/*
 * The circuit breaker of Redis, one for all processes of the host: an outage
 * costs one deadline, not one per request.
 */
#define CIRCUIT_BREAKER_BACK_OFF_MIN_US (1000 * 1000)
#define CIRCUIT_BREAKER_BACK_OFF_MAX_US (30 * 1000 * 1000)

/* circuit_breaker_closed(shm): true if Redis may be asked. One atomic load. */
bool circuit_breaker_closed(const struct shm *shm);

/* circuit_breaker_opened(shm): how often it has opened. */
uint64_t circuit_breaker_opened(const struct shm *shm);

/**
 * circuit_breaker_trip(shm, now_us):
 * Redis failed: open, for a back-off between 1 s and 30 s that doubles with
 * each failed probe and is jittered by up to a quarter.
 */
void circuit_breaker_trip(struct shm *shm, int64_t now_us);

/**
 * circuit_breaker_claim_probe(shm, now_us):
 * Return true to exactly one caller of the host when the circuit breaker is
 * open and its back-off is over; that caller probes and then calls
 * circuit_breaker_reset() or circuit_breaker_trip().  If it dies instead,
 * another may claim a second later.
 */
bool circuit_breaker_claim_probe(struct shm *shm, int64_t now_us);

/* circuit_breaker_reset(shm): Redis answered; close. */
void circuit_breaker_reset(struct shm *shm);

#endif
