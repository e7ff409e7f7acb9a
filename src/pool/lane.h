/* SPDX-License-Identifier: ISC */
#ifndef POOL_LANE_H
#define POOL_LANE_H

#include <stdbool.h>

#include "base/err.h"
#include "http/request.h"
#include "routes/admit.h"

struct config;
struct fcgi;
struct shared;
struct lane;

/*
 * The slow lane of a worker: a second thread with its own services and lower
 * priority.  It runs requests that hash a password, one at a time from a short
 * queue, and between them the upkeep: store_upkeep, redis_probe, last_seen_at.
 */

/* A piece of work; the lane fills in what belongs to it. */
struct lane_job {
	struct lane_job *next;  /* the lane's */
	struct fcgi *fcgi;      /* owned by the job */
	struct request request; /* of that fcgi */
	struct admission admission;
	void *connection; /* the worker's, untouched here */
	bool answered;    /* out: false: close the connection */
};

/**
 * lane_start(config, sh, queue_max, lane_out):
 * Open the services of the lane and start its thread, with the caller's signal
 * mask.  Return what services_open() returned if that failed.
 * lane_event_fd(): readable when jobs are done.
 */
enum err lane_start(const struct config *config, struct shared *sh,
    int queue_max, struct lane **lane_out) MUST_CHECK;
int lane_event_fd(const struct lane *l);

/* ERR_BUSY if the queue is full; ${job} stays the caller's then. */
enum err lane_submit(struct lane *l, struct lane_job *job) MUST_CHECK;
/* The next finished job, now the caller's; NULL if there is none. */
struct lane_job *lane_finished(struct lane *l);
/* Jobs submitted and not yet returned by lane_finished(). */
int lane_pending(struct lane *l);
/* Note that last_seen_at of the session is due; dropped if there are many. */
void lane_touch(void *lane, const char *handle);

/**
 * lane_stop(l):
 * Finish what is queued, stop the thread, free.  Nobody may call lane_touch()
 * any more.  NULL is fine.
 */
void lane_stop(struct lane *l);

#endif
