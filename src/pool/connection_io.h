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
 * Connection I/O of a worker, in the thread of its event loop: read, check the
 * records, answer the request here or pass it to the background queue, wait,
 * close.
 */
struct connection_io {
	struct connections *conns;
	struct fcgi_feed *feed;
	struct app *app;
	struct background_queue *background_queue;
	struct shm *shm;
	const struct clock *clock;
	int64_t deadline_us; /* for a request to arrive */
	bool draining;       /* close connections that become idle */
	bool
	    lasting; /* a login was queued or a connection kept; see worker.c */
	unsigned char *scratch; /* CONNECTION_DATA_MAX bytes */
	struct request_ids request_ids;
	struct buf answer;
	struct buf reply;
};

/**
 * connection_io_ready(x, c):
 * Read from ${c} and answer the requests that are complete.  Never blocks.  A
 * turn is bounded: if there is more to read, ${c} goes on the list again.
 */
void connection_io_ready(struct connection_io *x, struct connection *c);

/* connection_io_returned(x, job): free ${job}, which the queue has finished. */
void connection_io_returned(
    struct connection_io *x, struct background_job *job);

/**
 * connection_io_close(x, c):
 * Close ${c}, which is between requests, unless its peer has just sent one.
 */
void connection_io_close(struct connection_io *x, struct connection *c);

#endif
