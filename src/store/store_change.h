/* SPDX-License-Identifier: ISC */
#ifndef STORE_STORE_CHANGE_H
#define STORE_STORE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/backend.h"

/*
 * Every change runs here: transaction, versions, audit and the removal of stale
 * cache entries, in the order that makes a logout final.  store_sessions.c,
 * store_account.c and the like define the changes.
 */

/* How many expired rows one run of maintenance removes. */
#define CHANGE_MAINTENANCE_ROWS 500

/* A user and all of its sessions. */
#define CHANGE_KEYS_MAX (1 + SESSION_MAX_PER_USER)

/*
 * A change in progress.  A change with arguments is a struct of its own that
 * begins with this one; its steps convert the pointer.
 */
struct change {
	struct store *st;
	const struct store_actor *actor;
	int64_t now; /* the later of the actor's and the store's latest */

	/* for the audit table; steps may set them */
	int64_t user_id;
	const char *handle; /* borrowed; NULL: none */
	enum event event;   /* if the kind does not say it */
	enum event second_event;
	const char *detail; /* borrowed; NULL: none */

	bool idle;     /* nothing to write: the store is so already */
	bool in_doubt; /* it is not known whether it was committed */

	char keys[CHANGE_KEYS_MAX][TOKEN_KEY_SIZE];
	size_t key_count;
};

typedef enum err change_step_fn(struct change *c);

struct change_kind {
	enum event event; /* of the audit table; NONE: no row */
	bool waits;       /* for the lock, as long as the options say */
	/*
	 * It ends something, so it may use the reserved space; other changes
	 * are refused while the reserve is not complete.
	 */
	bool ends;
	/* Read rows; refuse, or name every key to change (change_key_*()). */
	change_step_fn *plan;
	/* Write rows, only of keys that were named. */
	change_step_fn *write;
};

/**
 * change_run(c, kind):
 * Make the change.  Return ERR_OK if it is committed or idle, ERR_DENIED if the
 * acting session is over, the error of a step (nothing was changed), or
 * ERR_UNAVAILABLE if it was not made, as far as is known.
 */
enum err change_run(
    struct change *c, const struct change_kind *kind) MUST_CHECK;

/**
 * change_flush_interrupted(st):
 * A coherence_flush_fn: commit a row of its own.  A writer may have died after
 * its last frame reached the WAL and before the WAL index showed it: no process
 * sees its change, but it would appear when the WAL is next read from the
 * start, without any version moving.
 */
enum err change_flush_interrupted(void *st) MUST_CHECK;

/* For the plan step: name a key that the change touches. */
void change_key_user(struct change *c, int64_t id);
void change_key_session(struct change *c, const char *handle);
void change_key_token(struct change *c, const char *jti);
/* A key of many rows: SIGNING_KEYS_KEY, ISSUERS_KEY. */
void change_key_named(struct change *c, const char *name);

#endif
