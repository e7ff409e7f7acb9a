/* SPDX-License-Identifier: ISC */
#ifndef POOL_EXCHANGE_H
#define POOL_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "http/request.h"
#include "pool/connection.h"

struct clock;
struct fcgi_feed;
struct lane;
struct lane_job;
struct mapped;
struct services;

/*
 * What one worker does with the bytes on its connections: read, judge, have
 * the request answered here or in the slow lane.  Lives in the loop's thread.
 */
struct exchange {
	struct connections *conns;
	struct fcgi_feed *feed;
	struct services *services; /* of the fast lane */
	struct lane *lane;
	struct mapped *mapped;
	const struct clock *clock;
	int64_t deadline_us;    /* for a request to arrive */
	bool draining;          /* an idle connection is not kept any more */
	bool busier;            /* by work that lasts; the loop takes note */
	unsigned char *scratch; /* CONNECTION_DATA_MAX bytes */
	struct request_names names;
	struct buf answer;
	struct buf reply;
};

/**
 * exchange_look(x, c):
 * Do what the bytes on ${c} ask for, as far as they go.  Never blocks, and
 * takes a bounded turn only: where more lies ready, ${c} is looked at again.
 */
void exchange_look(struct exchange *x, struct connection *c);

/* exchange_returned(x, job): ${job} is back from the slow lane; freed. */
void exchange_returned(struct exchange *x, struct lane_job *job);

/**
 * exchange_retire(x, c):
 * Close ${c}, which is between requests, unless its peer has just sent one.
 */
void exchange_retire(struct exchange *x, struct connection *c);

#endif
