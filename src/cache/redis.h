/* SPDX-License-Identifier: ISC */
#ifndef CACHE_REDIS_H
#define CACHE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct buf;
struct shm;
struct redis;

/*
 * One Redis connection with deadlines behind the host's breaker.  It is
 * opened when first needed and dropped after any error, so that a late reply
 * never answers the next question.  Every function returns ERR_UNAVAILABLE
 * for an outage: no connection, a deadline passed, -READONLY, -LOADING, -OOM,
 * -MISCONF, -NOAUTH, -BUSY or any other error reply; at once while the
 * breaker is open.  A key that holds something else than a value is a miss.
 */
#define REDIS_KEYS_MAX 128 /* in one command */
#define REDIS_KEY_SIZE 160 /* prefix, the longest key of ours, NUL */

struct redis_options {
	char socket[108]; /* unix socket, or "" */
	char host[256];
	int port;
	char user[128];
	char password[256];
	int db;
	int deadline_ms; /* for connecting and for each command */
	char prefix[64]; /* before every key */
};

/**
 * redis_parse_url(url, options_out, why_out):
 * Read redis://[user[:password]@]host[:port][/db] or
 * unix://[user[:password]@]/path[?db=N] with percent-encoding (RFC 3986).
 * What an address does not say (deadline_ms, prefix) is left 0.
 * On ERR_INVALID *${why_out} is a sentence that says what is wrong; for
 * rediss:// it says what to do until that is supported.
 */
enum err redis_parse_url(const char *url, struct redis_options *options_out,
    const char **why_out) MUST_CHECK;

/**
 * redis_new(options, m, clock, redis_out):
 * ${options} is copied; ${m} and ${clock} are borrowed.  No connection is made
 * yet, but a host that is a name is resolved, here and never again: that may
 * wait for the name service.  If it has no address now, one log line says so
 * and every call is an outage.  Return ERR_INVALID without a socket or host, or
 * without a deadline.
 */
enum err redis_new(const struct redis_options *options, struct shm *m,
    const struct clock *clock, struct redis **redis_out) MUST_CHECK;
void redis_free(struct redis *r);

/*
 * Put the value of ${key} into ${value}, which is empty before, and after any
 * error; ERR_NOT_FOUND if there is none.
 */
enum err redis_get(
    struct redis *r, const char *key, struct buf *value) MUST_CHECK;
/*
 * The same for ${n} keys, at most REDIS_KEYS_MAX; values[i].len is 0 for those
 * that are missing.
 */
enum err redis_mget(struct redis *r, const char *const *keys, size_t n,
    struct buf *values) MUST_CHECK;
enum err redis_set(struct redis *r, const char *key, const void *value,
    size_t len, int64_t ttl_s) MUST_CHECK;
enum err redis_del(
    struct redis *r, const char *const *keys, size_t n) MUST_CHECK;

struct redis_item {
	const char *key;
	const void *value;
	size_t len;
	int64_t ttl_s; /* at least 1 */
};

/* As many redis_set(), in one round trip.  n at most REDIS_KEYS_MAX. */
enum err redis_set_many(
    struct redis *r, const struct redis_item *items, size_t n) MUST_CHECK;

/* A Lua script, and the SHA-1 of its text in hex, by which Redis knows it. */
struct redis_script {
	const char *text;
	const char *sha1;
};

#define REDIS_ARGS_MAX 16

struct redis_eval {
	const struct redis_script *script;
	const char *const *keys;
	const char *const *args;
	size_t n_keys; /* at most REDIS_KEYS_MAX */
	size_t n_args; /* at most REDIS_ARGS_MAX */
};

/**
 * redis_eval(r, eval, value):
 * Run a script and put the string that it returns into ${value}.  Its text is
 * sent only to a server that does not know it yet.  Like any command it may be
 * carried out twice, if the connection breaks meanwhile.
 */
enum err redis_eval(struct redis *r, const struct redis_eval *eval,
    struct buf *value) MUST_CHECK;

/* The prefix that is put before every key; borrowed. */
const char *redis_prefix(const struct redis *r);

/**
 * redis_probe(r):
 * If the breaker is open and it is our turn, ask on a fresh connection whether
 * Redis would take a write (it changes nothing) and close the breaker or trip
 * it again.  For the slow lane: no request pays for a probe.
 */
void redis_probe(struct redis *r);

/**
 * redis_size(r, entries_out, bytes_out):
 * How many keys the server has, and how much memory they take.  It may not let
 * us ask: that is no outage.
 */
enum err redis_size(
    struct redis *r, int64_t *entries_out, int64_t *bytes_out) MUST_CHECK;

/**
 * redis_ping(r, latency_us_out): one PING, for /health.
 */
enum err redis_ping(struct redis *r, int64_t *latency_us_out) MUST_CHECK;

#endif
