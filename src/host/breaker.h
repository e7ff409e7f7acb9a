/* SPDX-License-Identifier: ISC */
#ifndef HOST_BREAKER_H
#define HOST_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct mapped;

/*
 * The circuit breaker of Redis, one for all processes of the host: an outage
 * costs one deadline, not one per request.
 */
#define BREAKER_BACK_OFF_MIN_US (1000 * 1000)
#define BREAKER_BACK_OFF_MAX_US (30 * 1000 * 1000)

/* breaker_closed(m): true if Redis may be asked. One atomic load. */
bool breaker_closed(const struct mapped *m);

/* breaker_opened(m): how often Redis was found to fail. */
uint64_t breaker_opened(const struct mapped *m);

/**
 * breaker_trip(m, now_us):
 * Redis failed: open, for a back-off between 1 s and 30 s that doubles with
 * each failed probe and is jittered by up to a quarter.
 */
void breaker_trip(struct mapped *m, int64_t now_us);

/**
 * breaker_claim_probe(m, now_us):
 * Return true to exactly one caller of the host when the breaker is open and
 * its back-off is over; that caller probes and then calls breaker_reset() or
 * breaker_trip().  If it dies instead, another may claim a second later.
 */
bool breaker_claim_probe(struct mapped *m, int64_t now_us);

/* breaker_reset(m): Redis answered; close. */
void breaker_reset(struct mapped *m);

#endif
