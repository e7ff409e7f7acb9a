/* SPDX-License-Identifier: ISC */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/issuer.h"
#include "model/session.h"
#include "model/signing_key.h"
#include "model/token.h"
#include "model/user.h"

struct coherence;
struct shm;
struct store;

/*
 * The truth.  Callers use store_* only; store.c and store_change.c keep the
 * promises once for every backend: outputs are zero on every error, a change
 * is whole or not at all, and every change of something that may be cached
 * goes through the protocol of ARCHITECTURE.md (generations odd before the
 * commit, even after it).
 *
 * Every function may return ERR_UNAVAILABLE: the backend cannot answer or the
 * change was not made.  Times are seconds since the epoch, UTC.
 */

/**
 * store_tidy_fn(ctx, keys, n):
 * Called after a change was committed and its generations are even again,
 * with the cache keys it touched: the caches may forget them.  Its failure is
 * nobody's business.
 */
typedef void store_tidy_fn(void *ctx, const char *const *keys, size_t n);

struct store_options {
	int write_wait_ms; /* how long a writer waits for locks, in all */
	bool existing;     /* refuse to create a new store */
};

/**
 * store_open(url, m, options, store_out):
 * Open the store that ${url} names, and bring its schema up to date under a
 * lock.  "sqlite:PATH" or just a path is a SQLite database: a missing one is
 * created (0600), unless ${options}->existing.  ERR_INVALID, and one line in
 * the log, if the scheme is unknown or the database is damaged, not ours or of
 * a newer version; it is never recreated.  ${m} must outlive the store.
 */
enum err store_open(const char *url, struct shm *m,
    const struct store_options *options, struct store **store_out) MUST_CHECK;
/* store_close(st): roll back what is open and close.  NULL is fine. */
void store_close(struct store *st);

/* store_coherence(st): what says whether cached rows of ${st} still count. */
struct coherence *store_coherence(const struct store *st);

/* store_on_change(st, fn, ctx): have ${fn} called after each change. */
void store_on_change(struct store *st, store_tidy_fn *fn, void *ctx);

/* ---- reads ---- */

enum err store_user_by_id(
    struct store *st, int64_t id, struct user *user_out) MUST_CHECK;

/**
 * store_users_by_ids(st, ids, n, users_out):
 * Fill ${users_out}[i] with the user ${ids}[i], or all zero (id 0) where there
 * is none.  ${n} is at most 100; one query.
 */
enum err store_users_by_ids(struct store *st, const int64_t *ids, size_t n,
    struct user *users_out) MUST_CHECK;

#define STORE_LIST_MAX 100

/**
 * store_users_list(st, text, after, users_out, n_out):
 * The users in the order of their ids, from the one behind ${after} (0: the
 * first) on, at most STORE_LIST_MAX; only those whose address or name has
 * ${text} in it (not minding the case of ASCII letters), unless that is "".
 */
enum err store_users_list(struct store *st, const char *text, int64_t after,
    struct user users_out[STORE_LIST_MAX], size_t *n_out) MUST_CHECK;

/**
 * store_user_by_email(st, normal, user_out):
 * Copy the user whose address has the normal form ${normal}.  ERR_NOT_FOUND if
 * there is none.
 */
enum err store_user_by_email(
    struct store *st, const char *normal, struct user *user_out) MUST_CHECK;

/**
 * store_password_hash(st, id, hash_out):
 * Copy the password hash of the user ${id}; the caller wipes it.  ERR_NOT_FOUND
 * if there is no such user or it has no password.
 */
enum err store_password_hash(
    struct store *st, int64_t id, char hash_out[USER_HASH_SIZE]) MUST_CHECK;

/* ERR_NOT_FOUND if there is none; a revoked or expired one is found. */
enum err store_session_by_handle(struct store *st, const char *handle,
    struct session *session_out) MUST_CHECK;

/**
 * store_sessions_live(st, user_id, now, sessions_out, n_out):
 * The live sessions of the user, newest first, at most SESSION_MAX_PER_USER.
 */
enum err store_sessions_live(struct store *st, int64_t user_id, int64_t now,
    struct session sessions_out[SESSION_MAX_PER_USER],
    size_t *n_out) MUST_CHECK;

/* The same of all users: ${max} at most, which ${sessions_out} has room for. */
enum err store_sessions_list(struct store *st, int64_t now, size_t max,
    struct session *sessions_out, size_t *n_out) MUST_CHECK;

/* *revoked_out: is ${jti} on the blacklist?  true on any error. */
enum err store_token_revoked(
    struct store *st, const char *jti, bool *revoked_out) MUST_CHECK;

/* The keys that sign tokens, in the order in which they do. */
enum err store_keys(struct store *st,
    struct signing_key_row keys_out[SIGNING_KEYS_MAX],
    size_t *n_out) MUST_CHECK;

/**
 * store_issuers(st, keys_out, n_out):
 * The rows of outside issuers' keys, by name; the caller calls
 * issuer_keys_clear() for each of ${n_out}.
 */
enum err store_issuers(struct store *st,
    struct issuer_keys keys_out[ISSUERS_MAX], size_t *n_out) MUST_CHECK;

/*
 * How long the audit table is kept; no token of an outside issuer may live
 * longer.
 */
#define STORE_AUDIT_SECONDS (90 * 24 * 3600)

/*
 * What a verified token of an outside issuer says of its user, by the mapping
 * of that issuer's block; borrowed.  Texts are as user_*_check() and
 * user_email_normal() take and make them.
 */
struct external_profile {
	const char *issuer;
	const char *subject;
	int64_t issued_at; /* of the token */
	int64_t leeway;    /* by how much the issuer's clock may differ */
	const char *email; /* both NULL unless the issuer has verified it */
	const char *normal;
	const char *name;                            /* "" if it says none */
	const char *avatar_url;                      /* "" if it says none */
	unsigned char digest[EXTERNAL_DIGEST_BYTES]; /* of the mapped claims */
	bool link; /* the option: link an existing account by its address */
};

/**
 * store_external_user(st, p, user_id_out):
 * The account of (${p}->issuer, ${p}->subject).  ERR_NOT_FOUND if
 * store_external_provision() has something to do first: there is none yet, or
 * the claims have changed.  ERR_DENIED if the token is from before an account
 * of that subject was deleted, or before what is known of such began.
 */
enum err store_external_user(struct store *st, const struct external_profile *p,
    int64_t *user_id_out) MUST_CHECK;

/* The latest time the store has seen; 0 if it is new. */
enum err store_latest_time(struct store *st, int64_t *time_out) MUST_CHECK;

/* How much there is: users, sessions and blacklist rows; all of its bytes. */
struct store_size {
	int64_t rows;
	int64_t bytes;
};

/* store_size(st, size_out): reads all keys; not on the way of a request. */
enum err store_size(struct store *st, struct store_size *size_out) MUST_CHECK;

/* store_check(st): ERR_INVALID if it is damaged anywhere; reads all of it. */
enum err store_check(struct store *st) MUST_CHECK;

/* store_ping(st): can it read, and is its file still the one on disk? */
enum err store_ping(struct store *st) MUST_CHECK;

/* ---- changes; "acting" is noted in the audit table ---- */

/*
 * Who does it, from where; borrowed for the call.  The address may be "".
 *
 * What is done with a session counts only while that session does: a change
 * whose turn comes when ${handle} has ended, has expired, or is of another
 * epoch than ${epoch}, or whose user is not active, is ERR_DENIED and changes
 * nothing.  So is what is done ${as_admin} if the user is none by then.
 * ${handle} is NULL where nobody's session acts: registering, signing in and
 * out, the command line.
 */
struct store_actor {
	const char *address;
	int64_t now;
	const char *handle;
	int64_t epoch; /* of the session when it was found live */
	bool as_admin;
};

/**
 * store_actor_check(st, actor):
 * Does the session ${actor} acts with still count, and for as much?  ERR_OK too
 * if there is none.  ERR_DENIED if not, and so for ever: where a change may be
 * denied for a password as well, this tells which it was.
 */
enum err store_actor_check(
    struct store *st, const struct store_actor *actor) MUST_CHECK;

/**
 * store_register(st, actor, u, normal, hash, s):
 * Insert the user ${u} (its id, epoch, version and times are filled in) with
 * the password ${hash}, and its first session ${s} (user_id and epoch filled
 * in).  ERR_CONFLICT if the address is taken.  ${s} may be NULL (command
 * line).
 */
enum err store_register(struct store *st, const struct store_actor *actor,
    struct user *u, const char *normal, const char *hash,
    struct session *s) MUST_CHECK;

/**
 * store_first_admin(st): from now on the first user that a store has ever had
 * is registered as an admin, whatever ${u}->role says.
 */
void store_first_admin(struct store *st);

/*
 * Proof that somebody is a user, and the epoch that this user had before the
 * credential was read.  What rests on a proof happens if, and only if, the
 * user is still active and of that epoch: store_steps.h says why that is
 * enough for every kind of credential.
 */
struct store_proof {
	int64_t user_id;
	int64_t epoch;
	/* Only store_session_open() reads these. */
	const char *hash;   /* of the password that was verified; NULL: none */
	const char *rehash; /* of the same, more strongly; NULL: keep ->hash */
};

/**
 * store_session_open(st, actor, proof, s):
 * Insert the session ${s} (user_id and epoch are filled in) for the user of
 * ${proof}; the oldest one beyond SESSION_MAX_PER_USER ends.  ERR_DENIED, and
 * nothing is changed, if ${proof} does not hold any more.  ${proof}->rehash
 * replaces the stored hash if that is still ${proof}->hash; if it is not,
 * another login has rehashed it, and nothing is lost.
 */
enum err store_session_open(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof, struct session *s) MUST_CHECK;

/**
 * store_logout(st, actor, handle, claims):
 * End the session ${handle} (may be NULL, unknown, or ended already: still
 * ERR_OK), and blacklist the token of ${claims} (may be NULL) until its exp.
 */
enum err store_logout(struct store *st, const struct store_actor *actor,
    const char *handle, const struct claims *claims) MUST_CHECK;

/**
 * store_token_end(st, actor, claims):
 * Blacklist the token of ${claims} until its exp; its session lives on.
 * ERR_OK too if it is there already.
 */
enum err store_token_end(struct store *st, const struct store_actor *actor,
    const struct claims *claims) MUST_CHECK;

/* End the session ${handle} of ${user_id}; ERR_NOT_FOUND if it has no such. */
enum err store_session_end(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *handle) MUST_CHECK;

/**
 * store_logout_all(st, actor, user_id, keep, epoch_out, ended_out):
 * Raise the user's epoch, which ends all its sessions and tokens; the session
 * ${keep} (NULL: none) is given the new epoch and lives on.  *${ended_out} is
 * the number of live sessions that ended.  ERR_NOT_FOUND without the user.
 */
enum err store_logout_all(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *keep, int64_t *epoch_out,
    int64_t *ended_out) MUST_CHECK;

/* Members that are NULL stay as they are.  email and normal go together. */
struct user_patch {
	const char *email;
	const char *normal;
	const char *name;
	const char *avatar_url;
};

/* ERR_CONFLICT if the address is taken; *user_out is the row afterwards. */
enum err store_profile_update(struct store *st, const struct store_actor *actor,
    int64_t user_id, const struct user_patch *patch,
    struct user *user_out) MUST_CHECK;

/**
 * store_password_change(st, actor, proof, hash, keep, epoch_out):
 * Store the password hash ${hash} and raise the epoch as store_logout_all()
 * does, keeping the session ${keep}.  ERR_DENIED if ${proof} does not hold.
 */
enum err store_password_change(struct store *st,
    const struct store_actor *actor, const struct store_proof *proof,
    const char *hash, const char *keep, int64_t *epoch_out) MUST_CHECK;

/**
 * store_deactivate(st, actor, proof):
 * Make the user inactive and raise the epoch.  ERR_DENIED if ${proof} does not
 * hold.
 */
enum err store_deactivate(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof) MUST_CHECK;

/**
 * store_delete(st, actor, proof):
 * Remove the user and all its sessions; its id is never used again.
 * ERR_DENIED if ${proof} does not hold.
 */
enum err store_delete(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof) MUST_CHECK;

/* ---- what an administrator changes, without anybody's password ---- */

/* What a user may do, and whether at all; what is NONE stays as it is. */
struct user_role_and_status {
	enum user_role role;
	enum user_status status;
};

/**
 * store_user_role_and_status(st, actor, user_id, standing, ended_out):
 * All of ${role_and_status}, or nothing.  Who may not sign in any more is
 * signed out:
 * *${ended_out} is how many sessions were live.  ERR_NOT_FOUND without the
 * user; ERR_OK if it is so already.
 */
enum err store_user_role_and_status(struct store *st,
    const struct store_actor *actor, int64_t user_id,
    const struct user_role_and_status *role_and_status,
    int64_t *ended_out) MUST_CHECK;

/**
 * store_password_set(st, actor, user_id, hash, ended_out):
 * Give the user the password ${hash}, whatever it had, and end its sessions.
 * store_user_remove(st, actor, user_id, ended_out): as store_delete().
 */
enum err store_password_set(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *hash, int64_t *ended_out) MUST_CHECK;
enum err store_user_remove(struct store *st, const struct store_actor *actor,
    int64_t user_id, int64_t *ended_out) MUST_CHECK;

/* store_write_check(st, actor): commit a row of the audit table: does it go? */
enum err store_write_check(
    struct store *st, const struct store_actor *actor) MUST_CHECK;

struct store_keys_edit {
	/* The kid of the last key, as far as the caller knows; "": none. */
	const char *newest;
	bool alone; /* whatever there is: all go but those put */
	const struct signing_key_row *put;
	size_t puts;
	char remove[SIGNING_KEYS_MAX][SIGNING_KEY_KID_SIZE];
	size_t removes;
};

/**
 * store_keys_edit(st, actor, edit):
 * Insert the keys to be put; of one that is there only the lifetime is
 * raised.  Remove those to be removed.  ERR_CONFLICT if ->newest is not the
 * last key, so that the caller knows too little; ERR_LIMITED if there would be
 * more than SIGNING_KEYS_MAX.
 */
enum err store_keys_edit(struct store *st, const struct store_actor *actor,
    const struct store_keys_edit *edit) MUST_CHECK;

/**
 * store_issuer_put(st, actor, keys), store_issuer_remove(st, actor, issuer):
 * Insert or replace the row of ${keys}->issuer; remove one, if it is there.
 * ERR_INVALID if the set is too long, ERR_LIMITED if there would be more than
 * ISSUERS_MAX rows.  The audit table hears of keys that changed.
 */
enum err store_issuer_put(struct store *st, const struct store_actor *actor,
    const struct issuer_keys *keys) MUST_CHECK;
enum err store_issuer_remove(struct store *st, const struct store_actor *actor,
    const char *issuer) MUST_CHECK;

enum external_done {
	OUTSIDE_NONE = 0,
	OUTSIDE_FOUND, /* as it was: another token came first */
	OUTSIDE_CREATED,
	OUTSIDE_LINKED,
	OUTSIDE_UPDATED
};

/**
 * store_external_provision(st, actor, p, user_id_out, done_out):
 * Make the account of (${p}->issuer, ${p}->subject), or bring it up to date
 * with claims that are not older than those it has.  It has no password, the
 * role of a user, and the address only if no other account has that.
 *
 * With ${p}->link an account that has the address already, but for the case of
 * its letters, is taken, unless it is an administrator's; what it says of
 * itself stays.  Whoever made that account may never have proved that the
 * address is theirs.
 *
 * ERR_DENIED as store_external_user().
 */
enum err store_external_provision(struct store *st,
    const struct store_actor *actor, const struct external_profile *p,
    int64_t *user_id_out, enum external_done *done_out) MUST_CHECK;

/* Move last_seen_at of a live session to ${now}; never waits for a lock. */
enum err store_session_touch(
    struct store *st, const char *handle, int64_t now) MUST_CHECK;

/* ---- upkeep, from the slow lane ---- */

/**
 * store_maintenance(st, now, removed_out):
 * One small step: remove at most 500 rows that nobody needs any more,
 * checkpoint the WAL if it has grown (holding the write mutex), put the
 * ballast file back if there is room again.
 */
enum err store_maintenance(
    struct store *st, int64_t now, int64_t *removed_out) MUST_CHECK;

#endif
