/* SPDX-License-Identifier: ISC */
#ifndef POOL_JWKS_PROCESS_H
#define POOL_JWKS_PROCESS_H

#include <stdbool.h>

#include "base/err.h"

struct config;
struct shm;

/*
 * Runs issuers/jwks_refresh in a child of the supervisor or, without one, in a
 * thread of each worker.  One of them is the refresher of the host, by a lock
 * that the kernel passes on when its holder ends; the others wait for it.
 */
struct jwks_process;

/* jwks_process_wanted(config): true if issuers are configured. */
bool jwks_process_wanted(const struct config *config);

enum jwks_process_end {
	JWKS_PROCESS_FAILED = 0, /* could not start */
	JWKS_PROCESS_ENDED,      /* SIGTERM or SIGINT */
	JWKS_PROCESS_REPLACE /* shared memory file or database was replaced */
};

/**
 * jwks_process_main(config):
 * Refresh the key sets until SIGTERM or SIGINT, then return within a second.
 * Takes ${config} and wipes its secrets, which a process that speaks to the
 * network does not need.
 */
enum jwks_process_end jwks_process_main(struct config *config);

/**
 * jwks_process_start(config, shm, jwks_process_out):
 * Do the same in a thread with the caller's signal mask.  ${shm} is borrowed
 * until jwks_process_stop(p), which waits for the thread; NULL is fine.
 */
enum err jwks_process_start(const struct config *config, struct shm *shm,
    struct jwks_process **jwks_process_out) MUST_CHECK;
void jwks_process_stop(struct jwks_process *p);

#endif
