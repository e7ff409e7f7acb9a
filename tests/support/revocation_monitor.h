/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_REVOCATION_MONITOR_H
#define TESTS_SUPPORT_REVOCATION_MONITOR_H

#include <stdbool.h>

struct signed_in_user;

/*
 * Threads that check a session without pause, in every way.  A check that began
 * after the end was acknowledged must be refused, and so must one that began
 * after another was refused.
 */
struct revocation_monitor;

/* revocation_monitor_start(base, m): begin to ask the site ${base} about ${m}.
 */
struct revocation_monitor *revocation_monitor_start(
    const char *base, const struct signed_in_user *m);

/* Wait until each thread has had ${n} more answers. */
void revocation_monitor_more(struct revocation_monitor *w, unsigned n);

/* From now on workers are killed: an answer may be missing or 5xx. */
void revocation_monitor_tolerate(struct revocation_monitor *w);

/* The end was acknowledged. */
void revocation_monitor_ended(struct revocation_monitor *w);

/* Wait for more answers, stop; the test fails if the word was broken. */
void revocation_monitor_free(struct revocation_monitor *w);

#endif
