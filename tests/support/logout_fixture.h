/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_LOGOUT_FIXTURE_H
#define TESTS_SUPPORT_LOGOUT_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "support/async_request.h"
#include "support/signed_in_user.h"
#include "support/stack.h"

/*
 * The fixture of the tests of final logout: a site of eight workers, a user who
 * stays signed in, and all sessions that were ended, which each worker must
 * refuse from then on, after restarts, too.
 */
#define LOGOUT_FIXTURE_WORKERS 8
#define LOGOUT_FIXTURE_DEAD_MAX 512

struct logout_fixture {
	struct stack *stack;
	struct web *web;
	struct signed_in_user survivor;
	struct signed_in_user dead[LOGOUT_FIXTURE_DEAD_MAX];
	size_t dead_count;
	pid_t ready[4 * LOGOUT_FIXTURE_WORKERS]; /* known to be */
	size_t ready_next;
	int serial;
};

/**
 * logout_fixture_run(name, groups, with_redis):
 * Run the tests of ${groups} (test.h); each begins with no test point armed and
 * Redis in use. Afterwards everything is restarted, more than once, and the
 * dead are asked again. Return the number of failed tests.
 */
int logout_fixture_run(const char *name, unsigned groups, bool with_redis);

/* A fresh account; a further device of it. */
void logout_fixture_member(struct logout_fixture *f, struct signed_in_user *m);
void logout_fixture_device(struct logout_fixture *f,
    const struct signed_in_user *m, struct signed_in_user *device);
/* An account, and a device of it if ${ending} is asked for from another. */
void logout_fixture_pair(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, struct signed_in_user *m,
    struct signed_in_user *other);

/* ---- asking ---- */

/* Every way of asking gets this status from whichever worker comes. */
void logout_fixture_expect(
    struct logout_fixture *f, const struct signed_in_user *m, long status);

/**
 * logout_fixture_expect_everywhere(f, m, status, held):
 * The same from each worker, the others stopped meanwhile; but for ${held}
 * (0: none), which is at a test point and cannot answer.
 */
void logout_fixture_expect_everywhere(struct logout_fixture *f,
    const struct signed_in_user *m, long status, pid_t held);

/*
 * Whatever each worker says, once one has refused all do.  Return whether
 * there was a refusal.
 */
bool logout_fixture_consistent_everywhere(
    struct logout_fixture *f, const struct signed_in_user *m, pid_t held);

/* An acknowledged end: refused everywhere, and kept for later. */
void logout_fixture_dead(
    struct logout_fixture *f, const struct signed_in_user *m);
/* All ended sessions are refused, the survivor is not. */
void logout_fixture_all_refused(struct logout_fixture *f);

/* ---- forcing (finality_force.c) ---- */

enum logout_fixture_key { LOGOUT_FIXTURE_SESSION, LOGOUT_FIXTURE_USER };

/* Make the next check read this key of ${m} from the store. */
void logout_fixture_uncache(struct logout_fixture *f,
    const struct signed_in_user *m, enum logout_fixture_key key);
/* Make the next check of ${m} ask Redis for both, not the host's table. */
void logout_fixture_ask_redis(
    struct logout_fixture *f, const struct signed_in_user *m);
/* Is it in Redis? */
bool logout_fixture_cached(struct logout_fixture *f,
    const struct signed_in_user *m, enum logout_fixture_key key);

/**
 * logout_fixture_hold_check(f, m, credential_source, key, point, held_out):
 * Start a check that reads ${key} from the store and is held at ${point}.
 * *${held_out} is the worker.  stack_point_release(), async_request_end().
 */
struct async_request *logout_fixture_hold_check(struct logout_fixture *f,
    const struct signed_in_user *m, enum signed_in_user_way credential_source,
    enum logout_fixture_key key, const char *point, pid_t *held_out);

/* Carry out ${ending}; start it in a thread. */
long logout_fixture_end(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, const struct signed_in_user *m,
    const struct signed_in_user *other);
struct async_request *logout_fixture_end_start(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, const struct signed_in_user *m,
    const struct signed_in_user *other);

/* Start a login of ${m}'s account with ${password}. */
struct async_request *logout_fixture_login_start(struct logout_fixture *f,
    const struct signed_in_user *m, const char *password);

/* The workers there are; wait until one that died since was replaced. */
struct logout_fixture_workers {
	pid_t workers[2 * LOGOUT_FIXTURE_WORKERS];
	size_t n;
};
void logout_fixture_workers(
    struct logout_fixture *f, struct logout_fixture_workers *worker_group);
void logout_fixture_wait_replaced(
    struct logout_fixture *f, const struct logout_fixture_workers *before);

/* Wait until Redis is used again after an outage. */
void logout_fixture_wait_redis(struct logout_fixture *f);

#endif
