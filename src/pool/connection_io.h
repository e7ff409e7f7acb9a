/* SPDX-License-Identifier: ISC */
#ifndef POOL_CONNECTION_IO_H
#define POOL_CONNECTION_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/request.h"
#include "pool/connection.h"

struct clock;
struct fcgi_feed;
struct background_queue;
struct background_job;
struct shm;
struct app;

/*
 * What one worker does with the bytes on its connections: read, judge, have
 * the request answered here or in the slow lane.  Lives in the loop's thread.
 */
struct connection_io {
	struct connections *conns;
	struct fcgi_feed *feed;
	struct app *services; /* of the fast lane */
	struct background_queue *background_queue;
	struct shm *shm;
	const struct clock *clock;
	int64_t deadline_us;    /* for a request to arrive */
	bool draining;          /* an idle connection is not kept any more */
	bool busier;            /* by work that lasts; the loop takes note */
	unsigned char *scratch; /* CONNECTION_DATA_MAX bytes */
	struct request_ids request_ids;
	struct buf answer;
	struct buf reply;
};

/**
 * connection_io_ready(x, c):
 * Do what the bytes on ${c} ask for, as far as they go.  Never blocks, and
 * takes a bounded turn only: where more lies ready, ${c} is looked at again.
 */
void connection_io_ready(struct connection_io *x, struct connection *c);

/* connection_io_returned(x, job): ${job} is back from the slow lane; freed. */
void connection_io_returned(
    struct connection_io *x, struct background_job *job);

/**
 * connection_io_close(x, c):
 * Close ${c}, which is between requests, unless its peer has just sent one.
 */
void connection_io_close(struct connection_io *x, struct connection *c);

#endif
