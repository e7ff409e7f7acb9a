/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_LOGIN_POLLER_H
#define TESTS_SUPPORT_LOGIN_POLLER_H

struct signed_in_user;

/*
 * A thread that checks without pause, in every way, whether a user is signed
 * in, and notes how it was answered.
 */
struct login_poller;

struct login_poller_report {
	unsigned asked;
	unsigned accepted;
	long other;     /* a status that was not 200, rather below 500 */
	double slowest; /* in seconds */
};

/* login_poller_start(base, m): ask the site ${base} about ${m} until the end.
 */
struct login_poller *login_poller_start(
    const char *base, const struct signed_in_user *m);

/* login_poller_end(v, report_out): stop it and report. */
void login_poller_end(
    struct login_poller *v, struct login_poller_report *report_out);

/* Wait for ${asked} checks and stop it; each must have been accepted. */
void login_poller_end_well(struct login_poller *v, unsigned asked);

#endif
