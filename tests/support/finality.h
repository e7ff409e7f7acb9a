/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_FINALITY_H
#define SUPPORT_FINALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "support/errand.h"
#include "support/member.h"
#include "support/stack.h"

struct CMUnitTest;

/*
 * The fixture (*state) of the tests of final logout: a site of eight workers,
 * somebody who stays signed in through all of it, and everybody whose session
 * was ended, who must be refused for ever, by each worker and after restarts.
 */
#define FINALITY_WORKERS 8
#define FINALITY_DEAD_MAX 512

struct finality {
	struct stack *stack;
	struct web *web;
	struct member survivor;
	struct member dead[FINALITY_DEAD_MAX];
	size_t dead_count;
	pid_t ready[4 * FINALITY_WORKERS]; /* known to be */
	size_t ready_next;
	int serial;
};

/**
 * finality_run(name, tests, n, with_redis):
 * Run the group; each test begins with no test point armed and Redis in use.
 * Afterwards everything is restarted, more than once, and the dead are asked
 * again.
 * Return the number of failed tests.
 */
int finality_run(const char *name, const struct CMUnitTest *tests, size_t n,
    bool with_redis);

/* A fresh account; a further device of it. */
void finality_member(struct finality *f, struct member *m);
void finality_device(
    struct finality *f, const struct member *m, struct member *device);
/* An account, and a device of it if ${ending} is asked for from another. */
void finality_pair(struct finality *f, const struct member_ending *ending,
    struct member *m, struct member *other);

/* ---- asking ---- */

/* Every way of asking gets this status from whichever worker comes. */
void finality_expect(struct finality *f, const struct member *m, long status);

/**
 * finality_expect_everywhere(f, m, status, held):
 * The same from each worker, the others stopped meanwhile; but for ${held}
 * (0: none), which is at a test point and cannot answer.
 */
void finality_expect_everywhere(
    struct finality *f, const struct member *m, long status, pid_t held);

/*
 * Whatever each worker says, once one has refused all do.  Return whether
 * there was a refusal.
 */
bool finality_consistent_everywhere(
    struct finality *f, const struct member *m, pid_t held);

/* An acknowledged end: refused everywhere, and kept for later. */
void finality_dead(struct finality *f, const struct member *m);
/* Everybody who ever died is refused, the survivor is not. */
void finality_all_refused(struct finality *f);

/* ---- forcing (finality_force.c) ---- */

enum finality_key { FINALITY_SESSION, FINALITY_USER };

/* Make the next check read this key of ${m} from the store. */
void finality_uncache(
    struct finality *f, const struct member *m, enum finality_key key);
/* Make the next check of ${m} ask Redis for both, not the host's table. */
void finality_ask_redis(struct finality *f, const struct member *m);
/* Is it in Redis? */
bool finality_cached(
    struct finality *f, const struct member *m, enum finality_key key);

/**
 * finality_hold_check(f, m, way, key, point):
 * Start a check that reads ${key} from the store and is held at ${point} of
 * that; *${held_out} is the worker.  stack_point_release(), errand_end().
 */
struct errand *finality_hold_check(struct finality *f, const struct member *m,
    enum member_way way, enum finality_key key, const char *point,
    pid_t *held_out);

/* Carry out ${ending}; start it in a thread. */
long finality_end(struct finality *f, const struct member_ending *ending,
    const struct member *m, const struct member *other);
struct errand *finality_end_start(struct finality *f,
    const struct member_ending *ending, const struct member *m,
    const struct member *other);

/* Start a login of ${m}'s account with ${password}. */
struct errand *finality_login_start(
    struct finality *f, const struct member *m, const char *password);

/* The workers there are; wait until one that died since was replaced. */
struct finality_crew {
	pid_t workers[2 * FINALITY_WORKERS];
	size_t n;
};
void finality_crew(struct finality *f, struct finality_crew *crew);
void finality_wait_replaced(
    struct finality *f, const struct finality_crew *before);

/* Wait until Redis is used again after an outage. */
void finality_wait_redis(struct finality *f);

#endif
