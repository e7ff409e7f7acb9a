/* SPDX-License-Identifier: ISC */
#ifndef POOL_CREW_H
#define POOL_CREW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "pool/listen.h"

struct config;
struct mapped;

/* How a worker tells the pool why it ended. */
enum crew_exit {
	CREW_EXIT_DRAINED = 0,
	CREW_EXIT_FAILED = 1,
	CREW_EXIT_REFUSED = 3, /* no use to try again */
	CREW_EXIT_REPLACE = 4
};

/* A place for one process, filled again when it falls vacant. */
struct crew_place {
	pid_t pid; /* 0: vacant */
	bool ready;
	int64_t started_at;
	int64_t fill_at; /* while vacant */
	int failures;    /* deaths within a second of the start, in a row */
};

/* The workers under one configuration. */
struct crew {
	struct config *config;
	struct mapped *mapped; /* so that the table outlives the workers */
	int count;
	struct crew_place *places;
	bool keeps; /* crew_keep() has been called, and there is work for it */
	struct crew_place keeper;
};

/**
 * crew_new(config, count, crew_out):
 * Takes ${config}, also on errors.  crew_free(crew) leaves the workers alone;
 * NULL is fine.
 */
enum err crew_new(
    struct config *config, int count, struct crew **crew_out) MUST_CHECK;
void crew_free(struct crew *crew);

/* What a worker is born with; the descriptors are borrowed. */
struct crew_birth {
	int listen_fd;
	int ready_fd;  /* its pid is written there when it serves */
	int signal_fd; /* closed in the child, as is the next */
	int ready_from;
};

/**
 * crew_fill(crew, birth, now): start workers for the places that are due.
 * crew_keep(crew): from now on a keeper of the issuers' keys (pool/keeping),
 * too, if there are any; not before somebody serves.
 */
void crew_fill(struct crew *crew, const struct crew_birth *birth, int64_t now);
void crew_keep(struct crew *crew);
/* When the next vacant place is to be filled; -1: none, or no crew. */
int64_t crew_next(const struct crew *crew);

/* The place of ${pid}, or NULL; is it that of the keeper? */
struct crew_place *crew_find(struct crew *crew, pid_t pid);
bool crew_is_keeper(const struct crew *crew, const struct crew_place *place);
bool crew_is_ready(const struct crew *crew);

/**
 * crew_vacate(crew, place, status, now):
 * Its process has ended with the ${status} of waitpid(2): settle when another
 * one is started.
 */
void crew_vacate(
    struct crew *crew, struct crew_place *place, int status, int64_t now);

#endif
