/* SPDX-License-Identifier: ISC */
#ifndef STORE_STORE_STEPS_H
#define STORE_STORE_STEPS_H

#include "store/store_change.h"

/* Steps that several changes share; each runs inside change_run(). */

/**
 * store_proof_check(c, proof):
 * The condition on every change that rests on a proof, and on every new
 * session.  ERR_DENIED unless the user exists, is active, and has the epoch
 * that the proof was checked under.
 *
 * Why the epoch alone suffices: whatever replaces a credential or ends
 * sessions raises the epoch in its own transaction.  So between two reads of
 * the same epoch the user had the same credentials, and a proof that was right
 * under the epoch read before it is right in the transaction that reads this
 * epoch again.  A rehash stores the same password under other parameters, so
 * it raises nothing and invalidates no proof.  Comparing a password hash
 * instead would refuse after such a rehash, say nothing about a logout
 * everywhere, and mean nothing for a passkey.
 */
enum err store_proof_check(
    struct change *c, const struct store_proof *proof) MUST_CHECK;

/**
 * store_admin_check(c, u):
 * The condition on every change after which ${u} is no active administrator.
 * ERR_CONFLICT if no other account is one, unless the actor may do it all the
 * same.
 */
enum err store_admin_check(struct change *c, const struct user *u) MUST_CHECK;

/* A change that raises the epoch; the struct of such a change begins so. */
struct store_epoch_change {
	struct change c;
	const char *keep; /* handle of the session that lives on; NULL: none */
	/* set by the steps */
	struct user user;
	struct session kept;
	bool keeps;
	int64_t ended; /* live sessions that end */
};

/*
 * Load the user ${c}->user_id, name it and the session to keep; write the user
 * with the next epoch.  ERR_NOT_FOUND without the user.
 */
extern change_step_fn store_epoch_plan;
extern change_step_fn store_epoch_write;

/* A session to open.  Only store_opening_write() inserts sessions. */
struct store_opening {
	struct store_proof proof;
	struct session session;
	struct session oldest; /* its key is named if ->ends_oldest */
	bool ends_oldest;
};

/**
 * store_opening_write(c, o):
 * Check the proof and insert the session for its user, under its epoch; end
 * ${o}->oldest if it must make room.  ERR_DENIED if the proof does not hold.
 */
enum err store_opening_write(
    struct change *c, struct store_opening *o) MUST_CHECK;

#endif
