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
 * The background queue of a worker: a second thread with its own connections
 * and a lower priority.  It runs slow requests one at a time from a short
 * queue, and between them maintenance: store_maintenance, redis_probe,
 * last_seen_at.
 */

/* A queued request. */
struct background_job {
	struct background_job *next; /* the queue's */
	struct fcgi *fcgi;           /* owned */
	struct request request;      /* borrows from fcgi */
	struct rate_limit_admission rate_limit_admission;
	void *connection; /* the worker's; not used by the queue */
	bool answered;    /* set by the queue; false: close the connection */
};

/**
 * background_queue_start(config, sh, queue_max, background_queue_out):
 * Open the connections of the thread and start it, with the caller's signal
 * mask.  Return the error of wiring_open() if that fails.
 *
 * background_queue_event_fd(q): readable when jobs have finished.
 */
enum err background_queue_start(const struct config *config, struct shared *sh,
    int queue_max, struct background_queue **background_queue_out) MUST_CHECK;
int background_queue_event_fd(const struct background_queue *q);

/*
 * background_queue_submit(q, job): queue ${job}.  ERR_BUSY if the queue is
 * full; the caller still owns ${job} then.
 */
enum err background_queue_submit(
    struct background_queue *q, struct background_job *job) MUST_CHECK;
/* background_queue_finished(q): a finished job, now the caller's, or NULL. */
struct background_job *background_queue_finished(struct background_queue *q);
/* background_queue_pending(q): jobs that were submitted and not returned. */
int background_queue_pending(struct background_queue *q);
/*
 * background_queue_touch(background_queue, handle): update last_seen_at of the
 * session soon; dropped if there are many.
 */
void background_queue_touch(void *background_queue, const char *handle);

/**
 * background_queue_stop(q):
 * Finish queued jobs, stop the thread and free.  No background_queue_touch()
 * may follow.  NULL is fine.
 */
void background_queue_stop(struct background_queue *q);

#endif
