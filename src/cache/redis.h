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
 * A connection to Redis behind the circuit breaker of the host.  It is opened
 * when first needed and closed after any error, so that a late reply never
 * answers the next command.  Every function returns ERR_UNAVAILABLE if the
 * connection fails, the deadline passes, or Redis replies with an error
 * (-READONLY, -LOADING, -OOM, -MISCONF, -NOAUTH, -BUSY, ...); at once while the
 * circuit breaker is open.  A key that holds no string counts as missing.
 */
#define REDIS_KEYS_MAX 128 /* in one command */
#define REDIS_KEY_SIZE 160 /* prefix, longest key and NUL */

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
 * Parse redis://[user[:password]@]host[:port][/db] or
 * unix://[user[:password]@]/path[?db=N], percent-encoded (RFC 3986).  Options
 * that have no place there (deadline_ms, prefix) become 0.  Return ERR_INVALID
 * and set *${why_out} to the reason if ${url} is not valid.
 */
enum err redis_parse_url(const char *url, struct redis_options *options_out,
    const char **why_out) MUST_CHECK;

/**
 * redis_new(options, m, clock, redis_out):
 * Copy ${options}, borrow ${m} and ${clock}.  A host name is resolved here and
 * never again, which may block; the connection is made later.  If the name has
 * no address, log that and return ERR_OK: every call is an outage then.  Return
 * ERR_INVALID without a socket, host or deadline, ERR_INTERNAL without memory.
 */
enum err redis_new(const struct redis_options *options, struct shm *m,
    const struct clock *clock, struct redis **redis_out) MUST_CHECK;
void redis_free(struct redis *r);

/**
 * redis_get(r, key, value):
 * Append the value of ${key} to the empty ${value}, which is empty after any
 * error.  Return ERR_NOT_FOUND if there is none.
 *
 * redis_mget(r, keys, n, values):
 * Do the same for ${n} keys, at most REDIS_KEYS_MAX, in one round trip; the
 * values of missing keys stay empty.
 */
enum err redis_get(
    struct redis *r, const char *key, struct buf *value) MUST_CHECK;
enum err redis_mget(struct redis *r, const char *const *keys, size_t n,
    struct buf *values) MUST_CHECK;

/* ${ttl_s} is at least 1, ${n} at most REDIS_KEYS_MAX. */
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

/* redis_set_many(r, items, n): SET up to REDIS_KEYS_MAX in one round trip. */
enum err redis_set_many(
    struct redis *r, const struct redis_item *items, size_t n) MUST_CHECK;

/* A Lua script and, in hex, the SHA-1 of its text, its name in EVALSHA. */
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
 * Run a script and append the string that it returns to ${value}.  Its text is
 * sent only if the server does not know it.  If the connection breaks meanwhile
 * it may run twice.
 */
enum err redis_eval(struct redis *r, const struct redis_eval *eval,
    struct buf *value) MUST_CHECK;

/* redis_prefix(r): the prefix of every key; borrowed from ${r}. */
const char *redis_prefix(const struct redis *r);

/**
 * redis_probe(r):
 * If the circuit breaker is open and a probe is due, connect anew and test
 * whether Redis accepts writes, without making one, and set the circuit breaker
 * accordingly.  The background thread calls this, so no request waits for it.
 */
void redis_probe(struct redis *r);

/**
 * redis_size(r, entries_out, bytes_out):
 * Ask how many keys the server holds and how much memory it uses.  It may
 * forbid INFO, which does not open the circuit breaker.
 */
enum err redis_size(
    struct redis *r, int64_t *entries_out, int64_t *bytes_out) MUST_CHECK;

/* redis_ping(r, latency_us_out): time one PING, for /health. */
enum err redis_ping(struct redis *r, int64_t *latency_us_out) MUST_CHECK;

#endif
