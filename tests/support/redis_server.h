/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_REDIS_SERVER_H
#define SUPPORT_REDIS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A real redis-server on a unix socket in a folder of the test's.  It writes
 * no snapshot by itself, but reads the one it finds at its start.  Anything
 * that fails fails the test.
 */
struct redis_server;

/**
 * redis_server_new(dir), redis_server_new_with(dir, args):
 * Start one on ${dir}/redis.sock and wait until it answers.  ${args} are
 * further arguments, NULL at the end, and are kept over restarts; borrowed.
 */
struct redis_server *redis_server_new(const char *dir);
struct redis_server *redis_server_new_with(
    const char *dir, const char *const *args);
/* Stop it if it runs.  NULL is fine. */
void redis_server_free(struct redis_server *s);

/* Its path, until the server is freed; 0 if it does not run. */
const char *redis_server_socket(const struct redis_server *s);
pid_t redis_server_pid(const struct redis_server *s);

void redis_server_stop(struct redis_server *s);   /* SIGTERM */
void redis_server_kill(struct redis_server *s);   /* SIGKILL */
void redis_server_start(struct redis_server *s);  /* after one of the two */
void redis_server_pause(struct redis_server *s);  /* SIGSTOP: it hangs */
void redis_server_resume(struct redis_server *s); /* SIGCONT */

/**
 * redis_server_keep(s): write a snapshot now and put a copy aside.
 * redis_server_bring_back(s): kill -9, put the copy back, start: what was
 * known then is known again.
 */
void redis_server_keep(struct redis_server *s);
void redis_server_bring_back(struct redis_server *s);

/**
 * redis_server_ask(s, format, ...):
 * Carry out one command (hiredis' format) on a connection of its own.  Return
 * the reply as text, an error reply with "-" before it, "(nil)" for nil,
 * elements joined by spaces; it is valid until the next call.  The first form
 * fails the test on an error reply.
 */
const char *redis_server_ask(struct redis_server *s, const char *format, ...);
const char *redis_server_try(struct redis_server *s, const char *format, ...);
/* The same for an integer. */
long long redis_server_int(struct redis_server *s, const char *format, ...);

/* Does ${text} stand in any key's name or value? */
bool redis_server_contains(struct redis_server *s, const char *text);

#endif
