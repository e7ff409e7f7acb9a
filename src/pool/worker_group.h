/* SPDX-License-Identifier: ISC */
#ifndef POOL_WORKER_GROUP_H
#define POOL_WORKER_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "pool/listen.h"

struct config;
struct shm;

/* How a worker tells the pool why it ended. */
enum worker_group_exit {
	WORKER_GROUP_EXIT_DRAINED = 0,
	WORKER_GROUP_EXIT_FAILED = 1,
	WORKER_GROUP_EXIT_REFUSED = 3, /* no use to try again */
	WORKER_GROUP_EXIT_REPLACE = 4
};

/* A place for one process, filled again when it falls vacant. */
struct worker_slot {
	pid_t pid; /* 0: vacant */
	bool ready;
	int64_t started_at;
	int64_t fill_at; /* while vacant */
	int failures;    /* deaths within a second of the start, in a row */
};

/* The workers under one configuration. */
struct worker_group {
	struct config *config;
	struct shm *shm; /* so that the table outlives the workers */
	int count;
	struct worker_slot *places;
	bool keeps; /* worker_group_start_jwks() has been called, and there is
		       work for it */
	struct worker_slot jwks_refresh;
};

/**
 * worker_group_new(config, count, worker_group_out):
 * Takes ${config}, also on errors.  worker_group_free(crew) leaves the workers
 * alone; NULL is fine.
 */
enum err worker_group_new(struct config *config, int count,
    struct worker_group **worker_group_out) MUST_CHECK;
void worker_group_free(struct worker_group *worker_group);

/* What a worker is born with; the descriptors are borrowed. */
struct worker_spawn {
	int listen_fd;
	int ready_fd;  /* its pid is written there when it serves */
	int signal_fd; /* closed in the child, as is the next */
	int ready_from;
};

/**
 * worker_group_spawn(crew, birth, now): start workers for the places that are
 * due. worker_group_start_jwks(crew): from now on a keeper of the issuers' keys
 * (pool/keeping), too, if there are any; not before somebody serves.
 */
void worker_group_spawn(struct worker_group *worker_group,
    const struct worker_spawn *birth, int64_t now);
void worker_group_start_jwks(struct worker_group *worker_group);
/* When the next vacant place is to be filled; -1: none, or no crew. */
int64_t worker_group_next(const struct worker_group *worker_group);

/* The place of ${pid}, or NULL; is it that of the keeper? */
struct worker_slot *worker_group_find(
    struct worker_group *worker_group, pid_t pid);
bool worker_group_is_jwks(
    const struct worker_group *worker_group, const struct worker_slot *place);
bool worker_group_is_ready(const struct worker_group *worker_group);

/**
 * worker_group_on_exit(crew, place, status, now):
 * Its process has ended with the ${status} of waitpid(2): settle when another
 * one is started.
 */
void worker_group_on_exit(struct worker_group *worker_group,
    struct worker_slot *place, int status, int64_t now);

#endif
