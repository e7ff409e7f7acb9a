/* SPDX-License-Identifier: ISC */
#ifndef SHM_JWKS_REFRESH_REQUEST_H
#define SHM_JWKS_REFRESH_REQUEST_H

#include <stdint.h>

struct shm;

/*
 * What requests would like to have fetched.  No request fetches anything: it
 * leaves a wish in the mapped file, and the one process of the host that keeps
 * the issuers' keys looks at it.  Wishes are words by the hash of the issuer's
 * name, so one for an issuer may be one for another, too.
 */

/**
 * jwks_refresh_request_issuer(m, issuer, now):
 * Wish for the keys of ${issuer}, and wake the keeper.  However many wish
 * within a second, that is one look at a word for each but the first.
 */
void jwks_refresh_request_issuer(
    struct shm *m, const char *issuer, int64_t now);

/* jwks_refresh_request_time(m, issuer): when its keys were wished for last; 0:
 * never. */
int64_t jwks_refresh_request_time(const struct shm *m, const char *issuer);

/**
 * jwks_refresh_request_serial(m):
 * A number that moves with each wish: take it before looking for wishes.
 *
 * jwks_refresh_request_wait(m, serial, ms):
 * Wait until it is not ${serial} any more, at most ${ms}.  May return sooner,
 * as when a signal was caught.
 *
 * jwks_refresh_request_wake(m): let go all that wait.
 */
uint32_t jwks_refresh_request_serial(const struct shm *m);
void jwks_refresh_request_wait(const struct shm *m, uint32_t serial, int ms);
void jwks_refresh_request_wake(struct shm *m);

#endif
