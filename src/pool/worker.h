/* SPDX-License-Identifier: ISC */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include "base/err.h"

struct config;

enum worker_end {
	WORKER_FAILED = 0, /* could not start, or broke */
	WORKER_DRAINED,    /* SIGTERM */
	WORKER_RELOAD,     /* SIGHUP with a good configuration (alone only) */
	WORKER_REPLACE     /* the mapped file or the database was replaced */
};

/**
 * worker_run(config, listen_fd):
 * Serve requests from ${listen_fd} (made non-blocking here) until told to
 * stop: one epoll loop over the listening socket and its connections, and a
 * slow lane.  Finishes what has arrived before it returns.
 */
enum worker_end worker_run(const struct config *config, int listen_fd);

#endif
