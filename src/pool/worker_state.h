/* SPDX-License-Identifier: ISC */
#ifndef POOL_WORKER_STATE_H
#define POOL_WORKER_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"
#include "pool/connection_io.h"
#include "pool/worker.h"

/* The state of a worker, for worker.c and worker_open.c only. */
struct worker {
	const struct config *config;
	const struct worker_options *options;
	int epoll_fd;
	int signal_fd;
	bool listening;     /* epoll watches the listening socket */
	bool accept_paused; /* descriptors or memory ran out: wait for a tick */
	bool closed;        /* the listening socket accepts no more */
	bool outdated;      /* the files were replaced, and that was logged */
	dev_t database_dev; /* with the next, the file that is served */
	ino_t database_ino;
	ino_t rejected_ino; /* the file in its place that cannot be served */
	struct timespec rejected_at; /* its time of change */
	int64_t retry_at;            /* even if that has not changed */
	struct shared *shared;
	struct jwks_process
	    *jwks_process; /* NULL: the supervisor's, or no issuers */
	struct connections conns;
	struct connection_io connection_io;
	int64_t tick_at;
	int64_t drain_until;
	int64_t fresh_until;
	enum worker_end end; /* once draining */
};

/* The data of an event: one of these, otherwise the connection. */
extern char worker_tag_listen, worker_tag_signal, worker_tag_background;

/* worker_watch(w, fd, events, tag): add ${fd} to epoll with ${tag} as data. */
enum err worker_watch(
    struct worker *w, int fd, uint32_t events, void *tag) MUST_CHECK;

/**
 * worker_open(w):
 * Open everything in ${w}, whose config, options and descriptors (-1) are set.
 * Return ERR_INVALID if a retry would fail as well.  The caller calls
 * worker_close(w) in any case.
 */
enum err worker_open(struct worker *w) MUST_CHECK;
void worker_close(struct worker *w);

/**
 * worker_could_open(config):
 * Return true if a new worker could serve the files that are there now: open
 * everything and close it again.
 */
bool worker_could_open(const struct config *config);

#endif
