/* SPDX-License-Identifier: ISC */
#ifndef POOL_JWKS_PROCESS_H
#define POOL_JWKS_PROCESS_H

#include <stdbool.h>

#include "base/err.h"

struct config;
struct shm;

/*
 * Where auth/keeper runs: in a process of the supervisor's or, where there is
 * none, in a thread of each worker.  All do nothing until they hold the one
 * place that there is on the host; the kernel gives it on when its holder ends.
 */
struct jwks_process;

/* jwks_process_wanted(config): are there issuers to keep the keys of? */
bool jwks_process_wanted(const struct config *config);

enum jwks_process_end {
	JWKS_PROCESS_FAILED = 0, /* could not start */
	JWKS_PROCESS_ENDED,      /* told to, by SIGTERM or SIGINT */
	JWKS_PROCESS_REPLACE /* the mapped file or the database was replaced */
};

/**
 * jwks_process_main(config):
 * Keep the keys until this process is told to end, which it does within a
 * second.  Takes ${config}, to wipe the secrets in it: what speaks to the
 * network needs none of them.
 */
enum jwks_process_end jwks_process_main(struct config *config);

/**
 * jwks_process_start(config, m, jwks_process_out):
 * The same in a thread, which has the caller's signal mask.  ${m} is borrowed
 * until jwks_process_stop(k), which waits for the end.  NULL is fine.
 */
enum err jwks_process_start(const struct config *config, struct shm *m,
    struct jwks_process **jwks_process_out) MUST_CHECK;
void jwks_process_stop(struct jwks_process *k);

#endif
