/* SPDX-License-Identifier: ISC */
#ifndef POOL_CONNECTION_H
#define POOL_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "http/records.h"

/*
 * The connections of one worker.  Each is on exactly one list: arriving (a
 * request is on its way, against a deadline), idle (between requests, costs
 * nothing, may be dropped), busy (in the slow lane), closed (its memory goes
 * once the loop holds no pointer to it any more).
 */
#define CONNECTION_DATA_MAX (RECORDS_REQUEST_MAX + RECORDS_RECORD_MAX)

enum connection_where {
	CONNECTION_ARRIVING,
	CONNECTION_IDLE,
	CONNECTION_BUSY,
	CONNECTION_CLOSED,
	CONNECTION_WHERES
};

struct connection {
	TAILQ_ENTRY(connection) link;
	TAILQ_ENTRY(connection) again_link;
	enum connection_where where;
	int fd;           /* -1: closed */
	bool watched;     /* by epoll */
	bool again;       /* to be looked at without waiting for epoll */
	bool fresh;       /* has not sent a byte yet */
	bool hung_up;     /* epoll has told of its end, and will not again */
	bool unscanned;   /* data holds bytes nobody has looked at */
	int64_t deadline; /* microseconds, while arriving */
	struct records records;
	unsigned char *data; /* of a request that is not whole yet, or NULL */
	size_t len;
	size_t cap;
};

TAILQ_HEAD(connection_list, connection);

struct connections {
	struct connection_list lists[CONNECTION_WHERES];
	struct connection_list again;
	int epoll_fd;
	int count; /* of those not closed */
	int max;
};

void connections_init(struct connections *cs, int epoll_fd, int max);
/* connections_clear(cs): close and free them all. */
void connections_clear(struct connections *cs);
/* connections_reap(cs): free the closed ones. */
void connections_reap(struct connections *cs);
/* Close the arriving ones whose deadline is not after ${now}. */
void connections_expire(struct connections *cs, int64_t now);
/* Microseconds until the next deadline; -1 if there is none. */
int64_t connections_wait(const struct connections *cs, int64_t now);
/* Close the one that has been idle longest; false if none is idle. */
bool connections_drop_idle(struct connections *cs);

/* connection_new(cs, fd, deadline): takes ${fd}; NULL without memory. */
struct connection *connection_new(
    struct connections *cs, int fd, int64_t deadline);
void connection_close(struct connections *cs, struct connection *c);
/* connection_move(cs, c, where): to the end of that list. */
void connection_move(
    struct connections *cs, struct connection *c, enum connection_where where);
void connection_again(struct connections *cs, struct connection *c);

/**
 * connection_watch(cs, c), connection_unwatch(cs, c):
 * Have epoll tell of new bytes, once for each arrival, with ${c} as its data;
 * of those that lie there already, too, when watching begins.
 */
enum err connection_watch(
    struct connections *cs, struct connection *c) MUST_CHECK;
void connection_unwatch(struct connections *cs, struct connection *c);

/**
 * connection_save(c, data, len):
 * Make the ${len} bytes at ${data} those of ${c}; ${data} may be ${c}->data.
 * Without any, its memory is wiped and freed.
 *
 * connection_grow(c): more room behind the bytes; ERR_INVALID if it has the
 * most there may be.
 */
enum err connection_save(
    struct connection *c, const unsigned char *data, size_t len) MUST_CHECK;
enum err connection_grow(struct connection *c) MUST_CHECK;

#endif
