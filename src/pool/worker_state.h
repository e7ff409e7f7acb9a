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

/* What the parts of one worker share: worker.c and worker_open.c only. */
struct worker {
	const struct config *config;
	const struct worker_options *options;
	int epoll_fd;
	int signal_fd;
	bool listening; /* epoll watches the listening socket */
	bool starved;   /* no descriptors or memory: not before the next tick */
	bool closed;    /* the listening socket takes no more */
	bool outdated;  /* and it has been logged */
	dev_t database_dev; /* the file we serve, by its number */
	ino_t database_ino;
	ino_t refused_ino; /* what was put in its place and cannot be served */
	struct timespec refused_at; /* when that was last changed */
	int64_t judge_at;           /* in any case again */
	struct shared *shared;
	struct jwks_process
	    *jwks_process; /* NULL: the pool's business, or nothing */
	struct connections conns;
	struct connection_io connection_io;
	int64_t tick_at;
	int64_t drain_until;
	int64_t fresh_until;
	enum worker_end end; /* once draining */
};

/* What an event is of: one of these, or else the connection itself. */
extern char worker_tag_listen, worker_tag_signal, worker_tag_lane;

/* worker_watch(w, fd, events, tag): have epoll tell of ${fd} as ${tag}. */
enum err worker_watch(
    struct worker *w, int fd, uint32_t events, void *tag) MUST_CHECK;

/**
 * worker_open(w):
 * Make all of ${w}, of which config, options and the descriptors (-1) are set.
 * ERR_INVALID if trying again is of no use.  worker_close() follows always.
 */
enum err worker_open(struct worker *w) MUST_CHECK;
void worker_close(struct worker *w);

/**
 * worker_could_open(config):
 * Could a new worker serve what is there now?  Opens it and closes it again.
 */
bool worker_could_open(const struct config *config);

#endif
