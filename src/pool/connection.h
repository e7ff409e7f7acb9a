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
 * The connections of a worker.  Each is on one list: arriving (part of a
 * request has arrived, and its deadline runs), idle (between requests; may be
 * closed to make room), busy (in the background queue), closed (freed when the
 * event loop holds no pointer to it any more).
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
	bool again;       /* on the list of those to read without epoll */
	bool fresh;       /* has not sent a byte yet */
	bool hung_up;     /* epoll has reported its end, and does so once */
	bool unscanned;   /* data holds bytes that were not checked yet */
	int64_t deadline; /* monotonic microseconds, while arriving */
	struct records records;
	unsigned char *data; /* of an incomplete request, or NULL */
	size_t len;
	size_t cap;
};

TAILQ_HEAD(connection_list, connection);

struct connections {
	struct connection_list lists[CONNECTION_WHERES];
	struct connection_list again;
	int epoll_fd;
	int count; /* without closed ones */
	int max;
};

/* connections_init(cs, epoll_fd, max): no connections; ${epoll_fd} is borrowed.
 */
void connections_init(struct connections *cs, int epoll_fd, int max);
/* connections_clear(cs): close and free all. */
void connections_clear(struct connections *cs);
/* connections_reap(cs): free the closed ones. */
void connections_reap(struct connections *cs);
/* connections_expire(cs, now): close those whose deadline has passed. */
void connections_expire(struct connections *cs, int64_t now);
/* connections_wait(cs, now): microseconds until the next deadline, or -1. */
int64_t connections_wait(const struct connections *cs, int64_t now);
/* connections_drop_idle(cs): close the longest idle one; false if none is. */
bool connections_drop_idle(struct connections *cs);

/* connection_new(cs, fd, deadline): owns ${fd}; NULL if memory runs out. */
struct connection *connection_new(
    struct connections *cs, int fd, int64_t deadline);
void connection_close(struct connections *cs, struct connection *c);
/* connection_move(cs, c, where): move to the end of that list. */
void connection_move(
    struct connections *cs, struct connection *c, enum connection_where where);
void connection_again(struct connections *cs, struct connection *c);

/**
 * connection_watch(cs, c), connection_unwatch(cs, c):
 * Start or stop epoll events for ${c}, with ${c} as their data: one event for
 * bytes that are there already, then one for each arrival.
 */
enum err connection_watch(
    struct connections *cs, struct connection *c) MUST_CHECK;
void connection_unwatch(struct connections *cs, struct connection *c);

/**
 * connection_save(c, data, len):
 * Keep the ${len} bytes at ${data}, which may be ${c}->data.  If ${len} is 0,
 * wipe and free the memory.
 *
 * connection_grow(c):
 * Enlarge the memory; return ERR_INVALID at its maximum.
 */
enum err connection_save(
    struct connection *c, const unsigned char *data, size_t len) MUST_CHECK;
enum err connection_grow(struct connection *c) MUST_CHECK;

#endif
