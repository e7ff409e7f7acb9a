/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Real programs as children of a test.  Anything that fails fails the test. */

struct process_options {
	const char *const *argv;
	const char *const *env; /* NAME=value beside our own; NULL: none */
	const char *log;        /* stdout and stderr are appended to it */
	int stdin_fd;           /* -1: /dev/null */
};

/* process_start(o): run argv[0] (searched in PATH); it dies with the test. */
pid_t process_start(const struct process_options *o);

/**
 * process_stop(pid, signal, wait_ms):
 * Send ${signal} (0: none) and wait at most ${wait_ms} for the end, then kill.
 * Return the status of waitpid(2); a program that had to be killed fails the
 * test unless ${signal} was SIGKILL.
 */
int process_stop(pid_t pid, int signal, int wait_ms);

/* process_adopt(): become the parent of orphans, so they can be waited for. */
void process_adopt(void);

/* process_children(pid, pids, max): children of ${pid}; returns how many. */
size_t process_children(pid_t pid, pid_t *pids, size_t max);

/* true as long as ${pid} is there and no zombie. */
bool process_alive(pid_t pid);

/**
 * process_pause(pid):
 * Stop it, and wait until it has: kill(2) returns before.  One that is gone is
 * fine.  process_resume(pid): let it go on.
 */
void process_pause(pid_t pid);
void process_resume(pid_t pid);

/* process_until(what, ctx, wait_ms): poll ${what} until it is true. */
typedef bool process_condition(void *ctx);
bool process_until(process_condition *what, void *ctx, int wait_ms);

/*
 * process_free_port(): a TCP port of loopback on which no process listens,
 * outside the range of clients, reserved for as long as this process lives.
 */
int process_free_port(void);

/* process_remove_tree(dir): remove a folder that mkdtemp(3) made. */
void process_remove_tree(const char *dir);

#endif
