/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_LOGIN_GUESSER_H
#define TESTS_SUPPORT_LOGIN_GUESSER_H

#include "support/site.h"

/* Wrong passwords, from addresses of their own, through the web server. */
struct guesser {
	char from[32];
	char email[64];
};

/* An address and an account that no test had yet; the account does not exist.
 */
void login_guesser_begin(struct site *site, struct guesser *g);

/* One login with ${password}; the status, and the answer in site->reply. */
long login_guesser_password(
    struct site *site, const struct guesser *g, const char *password);
/* One with a wrong password. */
long login_guesser_wrong(struct site *site, const struct guesser *g);

/* login_guesser_times(site, g, n): so many wrong ones must be answered with
 * 401. */
void login_guesser_times(struct site *site, const struct guesser *g, int n);
/* login_guesser_refused(site, g): the next must be one too many. */
void login_guesser_refused(struct site *site, const struct guesser *g);

/**
 * login_guesser_wait(site):
 * Wait for as long as the refusal in site->reply says; return the seconds.
 */
long login_guesser_wait(struct site *site);

/**
 * login_guesser_crowd(site, list, n, each):
 * ${n} clients at once, each guesses ${each} times as list[i] says.  Return how
 * many were answered with 401; all others must have been refused with 429.
 */
int login_guesser_crowd(
    struct site *site, const struct guesser *list, int n, int each);

#endif
