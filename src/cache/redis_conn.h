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
 * A connection to Redis: opened by the first batch, closed after any failure,
 * with one deadline for each batch.  It does not know the circuit breaker.
 */
#define REDIS_ARRAY_MAX 128 /* elements of a reply */
#define REDIS_REPLY_BYTES_MAX ((size_t)1024 * 1024)

enum redis_expect {
	REDIS_EXPECT_STATUS, /* or nil: SET with a condition */
	REDIS_EXPECT_INTEGER,
	REDIS_EXPECT_VALUE, /* a string or nil */
	REDIS_EXPECT_VALUES /* an array of n_values strings or nils */
};

/* Commands that expect replies of one type, and the values returned. */
struct redis_batch {
	enum redis_expect expect;
	struct buf commands;
	size_t n;           /* commands */
	struct buf *values; /* borrowed; empty where the reply is nil */
	size_t n_values;
	size_t found; /* values that were not nil */
};

/**
 * redis_batch_put(batch, argc, argv, lens):
 * Add the command of the ${argc} arguments ${argv}, of ${lens} bytes.  If
 * memory runs out, redis_conn_run() returns ERR_INTERNAL.
 *
 * redis_batch_clear(batch): wipe and free the commands, not the values.
 */
void redis_batch_put(
    struct redis_batch *batch, int argc, const char **argv, const size_t *lens);
void redis_batch_clear(struct redis_batch *batch);

/**
 * redis_conn_new(options, clock, conn_out):
 * Prepare a connection; ${options} and ${clock} are borrowed.  The host name is
 * resolved here and never again, because that may block longer than a request
 * may wait.  If it has no address, log that and return ERR_OK:
 * redis_conn_has_address() is false then, and every batch fails.  Return
 * ERR_INVALID if ${options} names no server, ERR_INTERNAL without memory.
 */
enum err redis_conn_new(const struct redis_options *options,
    const struct clock *clock, struct redis_conn **conn_out) MUST_CHECK;
void redis_conn_free(struct redis_conn *conn);
bool redis_conn_has_address(const struct redis_conn *conn);

/**
 * redis_conn_run(conn, batch):
 * Run the commands of ${batch} within one deadline, connecting, AUTH and SELECT
 * included.  If the server closed the connection since the last batch, connect
 * and send again, so running a command twice must be harmless.  Return
 * ERR_UNAVAILABLE if the connection fails, the deadline passes, or a reply is
 * an error, of another type or one too many; ERR_NOT_FOUND if the server does
 * not know the script of an EVALSHA; ERR_INTERNAL without memory.  After any
 * error the connection is closed and the values, which must be empty before,
 * are empty.
 */
enum err redis_conn_run(
    struct redis_conn *conn, struct redis_batch *batch) MUST_CHECK;

/* redis_conn_close(conn): disconnect; the next batch connects again. */
void redis_conn_close(struct redis_conn *conn);

/* redis_conn_why(conn): why the last batch failed, for the log; no secrets. */
const char *redis_conn_why(const struct redis_conn *conn);

#endif
