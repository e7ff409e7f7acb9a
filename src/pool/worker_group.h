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

/* Exit status of a worker or the JWKS process. */
enum worker_group_exit {
	WORKER_GROUP_EXIT_DRAINED = 0,
	WORKER_GROUP_EXIT_FAILED = 1,
	WORKER_GROUP_EXIT_REFUSED = 3, /* a retry would fail as well */
	WORKER_GROUP_EXIT_REPLACE = 4
};

/* Keeps one process running: when it ends, another one is spawned. */
struct worker_slot {
	pid_t pid; /* 0: none runs */
	bool ready;
	int64_t started_at;
	int64_t spawn_at; /* monotonic, while none runs */
	int failures;     /* ends within a second of the start, in a row */
};

/* The processes of one configuration. */
struct worker_group {
	struct config *config;
	struct shm *shm; /* attached, so that it outlives the workers */
	int count;
	struct worker_slot *slots;
	bool has_jwks; /* jwks_slot is in use */
	struct worker_slot jwks_slot;
};

/**
 * worker_group_new(config, count, worker_group_out):
 * Make a group of ${count} workers, of which none runs yet.  Takes ${config},
 * on errors too.
 *
 * worker_group_free(worker_group): free it; the processes go on.  NULL is fine.
 */
enum err worker_group_new(struct config *config, int count,
    struct worker_group **worker_group_out) MUST_CHECK;
void worker_group_free(struct worker_group *worker_group);

/* Descriptors for a new process; borrowed. */
struct worker_spawn {
	int listen_fd;
	int ready_fd;   /* a worker writes its pid there when it serves */
	int signal_fd;  /* closed in the child */
	int ready_from; /* closed in the child */
};

/**
 * worker_group_spawn(worker_group, spawn, now):
 * Spawn a process for each slot that is due.
 *
 * worker_group_start_jwks(worker_group):
 * From now on run a JWKS process (pool/jwks_process) as well, if issuers are
 * configured.  Called when a worker serves, so that it does not delay the
 * start.
 */
void worker_group_spawn(struct worker_group *worker_group,
    const struct worker_spawn *spawn, int64_t now);
void worker_group_start_jwks(struct worker_group *worker_group);
/* Time of the next spawn; -1: none is due, or ${worker_group} is NULL. */
int64_t worker_group_next(const struct worker_group *worker_group);

/* The slot of ${pid}, or NULL; is it that of the JWKS process? */
struct worker_slot *worker_group_find(
    struct worker_group *worker_group, pid_t pid);
bool worker_group_is_jwks(
    const struct worker_group *worker_group, const struct worker_slot *slot);
bool worker_group_is_ready(const struct worker_group *worker_group);

/**
 * worker_group_on_exit(worker_group, slot, status, now):
 * The process of ${slot} has ended with the ${status} of waitpid(2): set the
 * time of the next spawn.
 */
void worker_group_on_exit(struct worker_group *worker_group,
    struct worker_slot *slot, int status, int64_t now);

#endif
