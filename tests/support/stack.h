/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_STACK_H
#define SUPPORT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct redis_server;

/*
 * The whole of a site in a private folder: Redis, Latchkey's processes behind
 * a unix socket, and lighttpd on loopback, which has them guard what lies in
 * /guarded, too.  Everything is real; a process that does not start or stop as
 * it should fails the test.
 *
 * The program under test is $LATCHKEY_TEST_PROGRAM (with test points) or
 * $LATCHKEY_PROGRAM (the product), both set by tests/run.
 */
#define STACK_GUARDED "/guarded/file.txt"
#define STACK_SECRET "for those who are signed in\n" /* what is in it */

enum stack_kind {
	STACK_POOL,      /* latchkey serve --listen --workers N */
	STACK_SPAWN_FCGI /* spawn-fcgi -F N, socket on descriptor 0 */
};

struct stack_options {
	enum stack_kind kind;
	int workers; /* 0: 2 */
	bool no_redis;
	bool no_lighttpd;
	bool product; /* without test points */
	bool tcp; /* FastCGI on a port of loopback; without lighttpd, a pool */
	/* Further ones of serve (spawn-fcgi: all there are), NULL at the end */
	const char *const *args;
	/* Further configuration of lighttpd; var.dir, var.fcgi: the paths */
	const char *lighttpd;
	const char *dir;        /* NULL: a fresh one, removed at the end */
	const char *const *env; /* further NAME=value, NULL at the end */
};

struct stack;

/**
 * stack_new(options):
 * Start a site and wait until it answers; the test fails if it does not.
 */
struct stack *stack_new(const struct stack_options *options);
/* Stop everything, check the logs for sanitizer reports, remove the folder. */
void stack_free(struct stack *s);

/* Its folder, and where to find it; valid until stack_free(). */
const char *stack_dir(const struct stack *s);
const char *stack_base(const struct stack *s);   /* http://127.0.0.1:N */
const char *stack_socket(const struct stack *s); /* path of the FastCGI one */
const char *stack_log(const struct stack *s);    /* path of latchkey's log */
int stack_port(const struct stack *s);           /* of FastCGI with tcp */
/* NAME=value, NULL at the end: what latchkey is told. */
const char *const *stack_env(const struct stack *s);
/* A new connection to the FastCGI socket; -1 with errno set if it fails. */
int stack_connect(const struct stack *s);
struct redis_server *stack_redis(const struct stack *s);

/* The pool's supervisor (STACK_POOL), and the processes that serve. */
pid_t stack_supervisor(const struct stack *s);
size_t stack_workers(const struct stack *s, pid_t *pids, size_t max);
/* The pool's JWKS refresher process; 0 if there is none just now. */
pid_t stack_jwks_process(const struct stack *s);

/* Stop the processes with ${signal}, start them, wait until they answer. */
void stack_stop_pool(struct stack *s, int signal);
void stack_start_pool(struct stack *s);
bool stack_ready(struct stack *s, int wait_ms);

/**
 * Test points (base/testpoint.h): stack_point(s, name, how) with how "hold",
 * "kill", "once-hold" or "once-kill" arms one; stack_point_wait() returns the
 * pid held there; stack_point_again() lets it go and returns who is held there
 * next; stack_point_release() lets go and disarms.
 */
void stack_point(struct stack *s, const char *name, const char *how);
pid_t stack_point_wait(struct stack *s, const char *name);
pid_t stack_point_again(struct stack *s, const char *name);
bool stack_point_taken(struct stack *s, const char *name, int wait_ms);
void stack_point_release(struct stack *s, const char *name);

/* stack_clock(s, ahead): set the wall clock of all processes that far ahead. */
void stack_clock(struct stack *s, int64_t ahead);

/* Does ${text} stand in the file ${path}?  For logs and secrets at rest. */
bool stack_file_contains(const char *path, const char *text);

#endif
