/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_CHILD_H
#define SUPPORT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Forked children that run a function of the test, for what only shows between
 * processes.  In a child no assert_*() of cmocka may be used (it would go on
 * with the next test there): child_check() ends it instead.
 */

typedef void child_fn(void *ctx);

/**
 * child_start(fn, ctx): fork; the child runs ${fn} and exits with 0.  It dies
 * with the test.
 */
pid_t child_start(child_fn *fn, void *ctx);

/* child_check(what): if that is not true, say so and exit with 1. */
#define child_check(what) child_expect((what), #what, __FILE__, __LINE__)
void child_expect(bool ok, const char *what, const char *file, int line);

/**
 * child_refuse(number, flags, error):
 * From now on, in this child, the system call ${number} fails with ${error};
 * with ${flags} only if its third argument has one of them.
 */
void child_refuse(int number, unsigned int flags, int error);

/* child_passed(pid): wait; the test fails unless it exited with 0. */
void child_passed(pid_t pid);
/* child_killed(pid): wait; the test fails unless SIGKILL ended it. */
void child_killed(pid_t pid);
/* child_kill(pid): kill -9, and child_killed(). */
void child_kill(pid_t pid);
/* child_stopped(pid): wait until it has stopped itself. */
void child_stopped(pid_t pid);

/*
 * Test points (base/testpoint.h) of this process and its children:
 * child_points(dir) says in which folder they lie, child_arm("NAME.kill")
 * makes the file, child_disarm() removes it, child_reached("NAME") waits until
 * a process is held there, child_release("NAME", pid) releases the process that
 * took "NAME.once-hold".
 */
void child_points(const char *dir);
void child_arm(const char *file);
void child_disarm(const char *file);
void child_reached(const char *name);
void child_release(const char *name, pid_t pid);

/* child_shared(size): zeroed memory that children share. */
void *child_shared(size_t size);
void child_unshare(void *p, size_t size);

#endif
