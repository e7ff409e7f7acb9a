/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_GUESS_H
#define SUPPORT_GUESS_H

#include "support/site.h"

/* Wrong passwords, from addresses of their own, through the web server. */
struct guesser {
	char from[32];
	char email[64];
};

/* An address and an account (that nobody has) which no test had yet. */
void guess_begin(struct site *site, struct guesser *g);

/* One login with ${password}; the status, and the answer in site->reply. */
long guess_password(
    struct site *site, const struct guesser *g, const char *password);
/* One with a wrong password. */
long guess_wrong(struct site *site, const struct guesser *g);

/* guess_times(site, g, n): so many wrong ones must be answered with 401. */
void guess_times(struct site *site, const struct guesser *g, int n);
/* guess_refused(site, g): the next must be one too many. */
void guess_refused(struct site *site, const struct guesser *g);

/**
 * guess_wait(site):
 * Wait for as long as the refusal in site->reply says; return the seconds.
 */
long guess_wait(struct site *site);

/**
 * guess_crowd(site, list, n, each):
 * ${n} clients at once, each guesses ${each} times as list[i] says.  Return how
 * many were answered with 401; all others must have been refused with 429.
 */
int guess_crowd(struct site *site, const struct guesser *list, int n, int each);

#endif
