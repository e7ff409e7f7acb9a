/* SPDX-License-Identifier: ISC */
#ifndef SHM_JWKS_REFRESH_REQUEST_H
#define SHM_JWKS_REFRESH_REQUEST_H

#include <stdint.h>

struct shm;

/*
 * HTTP requests never fetch keys; they set a refresh request, and the JWKS
 * refresher of the host picks it up.  Issuers share words by hash, so a request
 * for one issuer may refresh another, too.
 */

/**
 * jwks_refresh_request_issuer(shm, issuer, now):
 * Request a refresh of ${issuer}'s keys, and wake the JWKS refresher.  Further
 * requests within the same second cost one read of a word.
 */
void jwks_refresh_request_issuer(
    struct shm *shm, const char *issuer, int64_t now);

/* jwks_refresh_request_time(shm, issuer): the time of the last request, or 0.
 */
int64_t jwks_refresh_request_time(const struct shm *shm, const char *issuer);

/**
 * jwks_refresh_request_serial(shm):
 * Return a number that changes with each request; read it before the times.
 *
 * jwks_refresh_request_wait(shm, serial, ms):
 * Wait at most ${ms} until the number is not ${serial}.  May return early, for
 * instance after a signal.
 *
 * jwks_refresh_request_wake(shm): end every wait.
 */
uint32_t jwks_refresh_request_serial(const struct shm *shm);
void jwks_refresh_request_wait(const struct shm *shm, uint32_t serial, int ms);
void jwks_refresh_request_wake(struct shm *shm);

#endif
