/* SPDX-License-Identifier: ISC */
#ifndef CACHE_REDIS_CONN_H
#define CACHE_REDIS_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

struct redis_conn;
struct redis_options;

/*
 * One connection to Redis: opened when first needed, closed after any failure,
 * never waiting longer than its deadline.  It knows nothing of the breaker.
 */
#define REDIS_ARRAY_MAX 128 /* elements of a reply */
#define REDIS_REPLY_BYTES_MAX ((size_t)1024 * 1024)

enum redis_expect {
	REDIS_EXPECT_STATUS, /* or nil: SET with a condition */
	REDIS_EXPECT_INTEGER,
	REDIS_EXPECT_VALUE, /* a string or nil */
	REDIS_EXPECT_VALUES /* an array of n_values strings or nils */
};

/* Commands, each answered as expected, and the values that come back. */
struct redis_batch {
	enum redis_expect expect;
	struct buf commands;
	size_t n;           /* commands in there */
	struct buf *values; /* borrowed; stays empty where the reply is nil */
	size_t n_values;
	size_t found; /* values that were not nil */
};

/**
 * redis_batch_put(talk, argc, argv, lens):
 * Add the command of the ${argc} arguments ${argv} of ${lens} bytes.  Running
 * out of memory shows in redis_conn_run().
 *
 * redis_batch_clear(talk): wipe and free the commands, not the values.
 */
void redis_batch_put(
    struct redis_batch *talk, int argc, const char **argv, const size_t *lens);
void redis_batch_clear(struct redis_batch *talk);

/**
 * redis_conn_new(options, clock, link_out):
 * Prepare a connection; ${options} and ${clock} are borrowed.  The name of the
 * host is resolved here, once: that may wait, and must not happen while a
 * request does.  A name without an address is logged; redis_conn_has_address()
 * is false then, and every talk fails.
 */
enum err redis_conn_new(const struct redis_options *options,
    const struct clock *clock, struct redis_conn **link_out) MUST_CHECK;
void redis_conn_free(struct redis_conn *l);
bool redis_conn_has_address(const struct redis_conn *l);

/**
 * redis_conn_run(l, talk):
 * Carry out the commands of ${talk} within one deadline, which includes
 * connecting, AUTH and SELECT.  A connection that the server closed since it
 * was last used is opened anew, so every command must be one that may be
 * carried out twice.  Return ERR_UNAVAILABLE, and be disconnected, on any
 * failure: no connection, time over, an error reply, a reply of another type,
 * more replies than commands; ERR_NOT_FOUND, and disconnected too, if the
 * server does not know the script of an EVALSHA; ERR_INTERNAL without memory.
 * The values are empty before, and after any error.
 */
enum err redis_conn_run(
    struct redis_conn *l, struct redis_batch *talk) MUST_CHECK;

/* redis_conn_close(l): disconnect; the next talk connects again. */
void redis_conn_close(struct redis_conn *l);

/* redis_conn_why(l): why the last talk failed, for the log; no secrets. */
const char *redis_conn_why(const struct redis_conn *l);

#endif
