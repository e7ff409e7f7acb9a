/* SPDX-License-Identifier: ISC */
#ifndef HOST_WISH_H
#define HOST_WISH_H

#include <stdint.h>

struct mapped;

/*
 * What requests would like to have fetched.  No request fetches anything: it
 * leaves a wish in the mapped file, and the one process of the host that keeps
 * the issuers' keys looks at it.  Wishes are words by the hash of the issuer's
 * name, so one for an issuer may be one for another, too.
 */

/**
 * wish_issuer(m, issuer, now):
 * Wish for the keys of ${issuer}, and wake the keeper.  However many wish
 * within a second, that is one look at a word for each but the first.
 */
void wish_issuer(struct mapped *m, const char *issuer, int64_t now);

/* wish_at(m, issuer): when its keys were wished for last; 0: never. */
int64_t wish_at(const struct mapped *m, const char *issuer);

/**
 * wish_serial(m):
 * A number that moves with each wish: take it before looking for wishes.
 *
 * wish_wait(m, serial, ms):
 * Wait until it is not ${serial} any more, at most ${ms}.  May return sooner,
 * as when a signal was caught.
 *
 * wish_wake(m): let go all that wait.
 */
uint32_t wish_serial(const struct mapped *m);
void wish_wait(const struct mapped *m, uint32_t serial, int ms);
void wish_wake(struct mapped *m);

#endif
