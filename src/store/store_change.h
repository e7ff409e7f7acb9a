/* SPDX-License-Identifier: ISC */
#ifndef STORE_STORE_CHANGE_H
#define STORE_STORE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/backend.h"

/*
 * The one place that makes a change: transaction, generations, audit, and the
 * word to the caches, in the order on which the promise of a final logout
 * rests.  store_sessions.c, store_account.c and their like say what each change
 * is.
 */

/* How many expired rows one step of upkeep removes. */
#define CHANGE_MAINTENANCE_ROWS 500

/* A user, and at most all of its sessions. */
#define CHANGE_KEYS_MAX (1 + SESSION_MAX_PER_USER)

/*
 * One change on its way.  A change that takes arguments is a struct of its own
 * that begins with this one; its steps convert the pointer.
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

	bool idle;     /* the store says so already: nothing to write */
	bool in_doubt; /* whether it was committed may still turn out */

	char keys[CHANGE_KEYS_MAX][TOKEN_KEY_SIZE];
	size_t key_count;
};

typedef enum err change_step_fn(struct change *c);

struct change_kind {
	enum event event; /* of the audit table; NONE: no row */
	bool waits;       /* for the lock, as long as the options say */
	/*
	 * It ends something, so it may use the room that is kept for that;
	 * others are refused while that room is not whole.
	 */
	bool ends;
	/* Look: refuse, or name with change_key_*() every key it touches. */
	change_step_fn *plan;
	/* Write the rows.  Nothing may be touched whose key is not named. */
	change_step_fn *write;
};

/**
 * change_run(c, kind):
 * Make the change.  ERR_OK: it is committed, or was so already.  ERR_DENIED
 * before any of its steps if the acting session is over; any other answer of
 * its steps: nothing was changed.  ERR_UNAVAILABLE: not made, as
 * far as can be known.
 */
enum err change_run(
    struct change *c, const struct change_kind *kind) MUST_CHECK;

/**
 * change_flush_interrupted(st):
 * A writer may have died after its last frame reached the WAL and before the
 * wal-index said so: nobody sees its change, yet it would come back when the
 * last connection has closed and the WAL is read anew, without any generation
 * moving.  Holding the write mutex: commit something else in its place.  A
 * generation_settled_fn.
 */
enum err change_flush_interrupted(void *st) MUST_CHECK;

/* For the plan step: what the change touches. */
void change_key_user(struct change *c, int64_t id);
void change_key_session(struct change *c, const char *handle);
void change_key_token(struct change *c, const char *jti);
/* The rows that all go under one key: SIGNING_KEYS_KEY, ISSUERS_KEY. */
void change_key_named(struct change *c, const char *name);

#endif
