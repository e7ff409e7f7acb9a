/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_LOGIN_POLLER_H
#define TESTS_SUPPORT_LOGIN_POLLER_H

struct signed_in_user;

/*
 * A thread that asks over and over, in every way, whether somebody is signed
 * in, and notes how it was answered.
 */
struct login_poller;

struct login_poller_report {
	unsigned asked;
	unsigned accepted;
	long other;     /* a status that was not 200, rather below 500 */
	double slowest; /* in seconds */
};

struct login_poller *login_poller_start(
    const char *base, const struct signed_in_user *m);

/* login_poller_end(v, report_out): stop it; how was it? */
void login_poller_end(
    struct login_poller *v, struct login_poller_report *report_out);

/* Each was answered, and yes; there were at least ${asked}. */
void login_poller_end_well(struct login_poller *v, unsigned asked);

#endif
