/* SPDX-License-Identifier: ISC */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include <stdbool.h>

#include "base/err.h"

struct config;

enum worker_end {
	WORKER_FAILED = 0, /* could not start, or broke */
	WORKER_REFUSED,    /* could not start, and trying again is of no use */
	WORKER_DRAINED,    /* SIGTERM */
	WORKER_RELOAD,     /* SIGHUP with a good configuration (alone only) */
	WORKER_REPLACE     /* the mapped file or the database was replaced */
};

struct worker_options {
	int listen_fd; /* made non-blocking; closed in the end unless alone */
	bool alone;    /* no supervisor: SIGHUP is ours */
	const char *config_path; /* for SIGHUP; NULL: the default */
	struct master_fingerprint
	    *master_fingerprint; /* for SIGHUP; NULL if not alone */
	int ready_fd; /* given our pid once we serve, then closed; -1: none */
};

/**
 * worker_run(config, options):
 * Serve requests from the listening socket until told to stop: one epoll loop
 * over it and its connections, and a slow lane.  Finishes what has arrived
 * before it returns, within 10 s.  Leaves SIGTERM, SIGINT and SIGHUP blocked
 * and SIGPIPE ignored.
 */
enum worker_end worker_run(
    const struct config *config, const struct worker_options *options);

#endif
