/* SPDX-License-Identifier: ISC */
#ifndef POOL_KEEPING_H
#define POOL_KEEPING_H

#include <stdbool.h>

#include "base/err.h"

struct config;
struct mapped;

/*
 * Where auth/keeper runs: in a process of the supervisor's or, where there is
 * none, in a thread of each worker.  All do nothing until they hold the one
 * place that there is on the host; the kernel gives it on when its holder ends.
 */
struct keeping;

/* keeping_wanted(config): are there issuers to keep the keys of? */
bool keeping_wanted(const struct config *config);

enum keeping_end {
	KEEPING_FAILED = 0, /* could not start */
	KEEPING_ENDED,      /* told to, by SIGTERM or SIGINT */
	KEEPING_REPLACE     /* the mapped file or the database was replaced */
};

/**
 * keeping_process(config):
 * Keep the keys until this process is told to end, which it does within a
 * second.  Takes ${config}, to wipe the secrets in it: what speaks to the
 * network needs none of them.
 */
enum keeping_end keeping_process(struct config *config);

/**
 * keeping_start(config, m, keeping_out):
 * The same in a thread, which has the caller's signal mask.  ${m} is borrowed
 * until keeping_stop(k), which waits for the end.  NULL is fine.
 */
enum err keeping_start(const struct config *config, struct mapped *m,
    struct keeping **keeping_out) MUST_CHECK;
void keeping_stop(struct keeping *k);

#endif
