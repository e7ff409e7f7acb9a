/* SPDX-License-Identifier: ISC */
#ifndef POOL_BACKGROUND_QUEUE_H
#define POOL_BACKGROUND_QUEUE_H

#include <stdbool.h>

#include "base/err.h"
#include "http/request.h"
#include "routes/rate_limit.h"

struct config;
struct fcgi;
struct shared;
struct background_queue;

/*
 * The slow lane of a worker: a second thread with its own services and lower
 * priority.  It runs requests that hash a password, one at a time from a short
 * queue, and between them the upkeep: store_maintenance, redis_probe,
 * last_seen_at.
 */

/* A piece of work; the lane fills in what belongs to it. */
struct background_job {
	struct background_job *next; /* the lane's */
	struct fcgi *fcgi;           /* owned by the job */
	struct request request;      /* of that fcgi */
	struct rate_limit_admission rate_limit_admission;
	void *connection; /* the worker's, untouched here */
	bool answered;    /* out: false: close the connection */
};

/**
 * background_queue_start(config, sh, queue_max, background_queue_out):
 * Open the services of the lane and start its thread, with the caller's signal
 * mask.  Return what wiring_open() returned if that failed.
 * background_queue_event_fd(): readable when jobs are done.
 */
enum err background_queue_start(const struct config *config, struct shared *sh,
    int queue_max, struct background_queue **background_queue_out) MUST_CHECK;
int background_queue_event_fd(const struct background_queue *l);

/* ERR_BUSY if the queue is full; ${job} stays the caller's then. */
enum err background_queue_submit(
    struct background_queue *l, struct background_job *job) MUST_CHECK;
/* The next finished job, now the caller's; NULL if there is none. */
struct background_job *background_queue_finished(struct background_queue *l);
/* Jobs submitted and not yet returned by background_queue_finished(). */
int background_queue_pending(struct background_queue *l);
/* Note that last_seen_at of the session is due; dropped if there are many. */
void background_queue_touch(void *background_queue, const char *handle);

/**
 * background_queue_stop(l):
 * Finish what is queued, stop the thread, free.  Nobody may call
 * background_queue_touch() any more.  NULL is fine.
 */
void background_queue_stop(struct background_queue *l);

#endif
