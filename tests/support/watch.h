/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_WATCH_H
#define SUPPORT_WATCH_H

#include <stdbool.h>

struct member;

/*
 * Threads that go on asking whether somebody is signed in, in every way, and
 * hold the site to its word: a check that began after the end was acknowledged
 * is refused, and so is one that began after another was refused.
 */
struct watch;

struct watch *watch_start(const char *base, const struct member *m);

/* Wait until each thread has had ${n} more answers. */
void watch_more(struct watch *w, unsigned n);

/* From now on workers are killed: an answer may be missing or 5xx. */
void watch_tolerate(struct watch *w);

/* The end was acknowledged. */
void watch_ended(struct watch *w);

/* Wait for more answers, stop; the test fails if the word was broken. */
void watch_free(struct watch *w);

#endif
