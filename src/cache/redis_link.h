/* SPDX-License-Identifier: ISC */
#ifndef CACHE_REDIS_LINK_H
#define CACHE_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

struct redis_link;
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
struct redis_talk {
	enum redis_expect expect;
	struct buf commands;
	size_t n;           /* commands in there */
	struct buf *values; /* borrowed; stays empty where the reply is nil */
	size_t n_values;
	size_t found; /* values that were not nil */
};

/**
 * redis_talk_put(talk, argc, argv, lens):
 * Add the command of the ${argc} arguments ${argv} of ${lens} bytes.  Running
 * out of memory shows in redis_link_talk().
 *
 * redis_talk_clear(talk): wipe and free the commands, not the values.
 */
void redis_talk_put(
    struct redis_talk *talk, int argc, const char **argv, const size_t *lens);
void redis_talk_clear(struct redis_talk *talk);

/**
 * redis_link_new(options, clock, link_out):
 * Prepare a connection; ${options} and ${clock} are borrowed.  The name of the
 * host is resolved here, once: that may wait, and must not happen while a
 * request does.  A name without an address is logged; redis_link_has_address()
 * is false then, and every talk fails.
 */
enum err redis_link_new(const struct redis_options *options,
    const struct clock *clock, struct redis_link **link_out) MUST_CHECK;
void redis_link_free(struct redis_link *l);
bool redis_link_has_address(const struct redis_link *l);

/**
 * redis_link_talk(l, talk):
 * Carry out the commands of ${talk} within one deadline, which includes
 * connecting, AUTH and SELECT.  A connection that the server closed since it
 * was last used is opened anew, so every command must be one that may be
 * carried out twice.  Return ERR_UNAVAILABLE, and be disconnected, on any
 * failure: no connection, time over, an error reply, a reply of another type,
 * more replies than commands; ERR_NOT_FOUND, and disconnected too, if the
 * server does not know the script of an EVALSHA; ERR_INTERNAL without memory.
 * The values are empty before, and after any error.
 */
enum err redis_link_talk(
    struct redis_link *l, struct redis_talk *talk) MUST_CHECK;

/* redis_link_close(l): disconnect; the next talk connects again. */
void redis_link_close(struct redis_link *l);

/* redis_link_why(l): why the last talk failed, for the log; no secrets. */
const char *redis_link_why(const struct redis_link *l);

#endif
