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
 * The database: what it says is true, and caches only repeat it.  store.c and
 * store_change.c implement these promises once for every backend: outputs are
 * zero on every error, a change is made completely or not at all, and a change
 * of anything that may be cached goes through coherence/.
 *
 * Every function may return ERR_UNAVAILABLE: the backend cannot answer, or the
 * change was not made.  Times are in seconds since 1970, UTC.  Texts are
 * borrowed for the call.
 */

/**
 * store_tidy_fn(ctx, keys, n):
 * Called after each committed change with the ${n} cache keys it touched, so
 * that caches may delete these entries.
 */
typedef void store_tidy_fn(void *ctx, const char *const *keys, size_t n);

struct store_options {
	int write_wait_ms; /* how long a writer waits for locks, in all */
	bool existing;     /* refuse to create a new store */
	/* A file that only a site with a store has, or NULL. */
	const char *companion;
};

/**
 * store_open(url, m, options, store_out):
 * Open the store that ${url} names, and bring its schema up to date under a
 * lock.  "sqlite:PATH" or just a path is a SQLite database: a missing one is
 * created (0600), unless ${options}->existing.  ERR_INVALID, and one line in
 * the log, if the scheme is unknown, if the database is damaged, a backup, not
 * ours or of a newer version, or if it is missing although its log, its reserve
 * or ${options}->companion exists; it is never recreated.  ${m} must outlive
 * the store; its shm_time() is at least store_latest_time() afterwards.
 */
enum err store_open(const char *url, struct shm *m,
    const struct store_options *options, struct store **store_out) MUST_CHECK;

/* store_close(st): roll back an open transaction and close; NULL is fine. */
void store_close(struct store *st);

/* store_coherence(st): decides whether cached rows of ${st} still count. */
struct coherence *store_coherence(const struct store *st);

/* store_on_change(st, fn, ctx): call ${fn} after each change. */
void store_on_change(struct store *st, store_tidy_fn *fn, void *ctx);

/* ---- reads ---- */

/* store_user_by_id(st, id, user_out): ERR_NOT_FOUND if there is none. */
enum err store_user_by_id(
    struct store *st, int64_t id, struct user *user_out) MUST_CHECK;

/**
 * store_users_by_ids(st, ids, n, users_out):
 * Fill ${users_out}[i] with the user ${ids}[i], or with zeros (id 0) if there
 * is none, by one query.  ERR_INVALID if ${n} is above 100.
 */
enum err store_users_by_ids(struct store *st, const int64_t *ids, size_t n,
    struct user *users_out) MUST_CHECK;

#define STORE_LIST_MAX 100

/**
 * store_users_list(st, text, after, users_out, n_out):
 * List at most STORE_LIST_MAX users with ids above ${after}, by id.  Unless
 * ${text} is "", only those whose address or name contains it, ignoring the
 * case of ASCII letters.
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

/**
 * store_session_by_handle(st, handle, session_out):
 * Copy the session, live or not.  ERR_NOT_FOUND if there is none.
 */
enum err store_session_by_handle(struct store *st, const char *handle,
    struct session *session_out) MUST_CHECK;

/**
 * store_sessions_live(st, user_id, now, sessions_out, n_out):
 * List the live sessions of a user, newest first, at most
 * SESSION_MAX_PER_USER.
 */
enum err store_sessions_live(struct store *st, int64_t user_id, int64_t now,
    struct session sessions_out[SESSION_MAX_PER_USER],
    size_t *n_out) MUST_CHECK;

/**
 * store_sessions_list(st, now, max, sessions_out, n_out):
 * List the live sessions of all users, newest first, at most ${max}.
 */
enum err store_sessions_list(struct store *st, int64_t now, size_t max,
    struct session *sessions_out, size_t *n_out) MUST_CHECK;

/**
 * store_token_revoked(st, jti, revoked_out):
 * Look up ${jti} in the blacklist.  *${revoked_out} is true on any error.
 */
enum err store_token_revoked(
    struct store *st, const char *jti, bool *revoked_out) MUST_CHECK;

/* store_keys(st, keys_out, n_out): the signing keys, in order of signs_at. */
enum err store_keys(struct store *st,
    struct signing_key_row keys_out[SIGNING_KEYS_MAX],
    size_t *n_out) MUST_CHECK;

/**
 * store_issuers(st, keys_out, n_out):
 * The key sets of external issuers, by name.  The caller calls
 * issuer_keys_clear() on each of the ${n_out} rows.
 */
enum err store_issuers(struct store *st,
    struct issuer_keys keys_out[ISSUERS_MAX], size_t *n_out) MUST_CHECK;

/*
 * How long rows of the audit table are kept; no token of an external issuer may
 * live longer.
 */
#define STORE_AUDIT_SECONDS (90 * 24 * 3600)

/*
 * The user as a verified token of an external issuer describes it, after the
 * claim mapping of the issuer's block.  Borrowed; texts are valid by
 * user_*_check() and user_email_normal().
 */
struct external_profile {
	const char *issuer;
	const char *subject;
	int64_t issued_at; /* of the token */
	int64_t leeway;    /* by how much the issuer's clock may differ */
	const char *email; /* both NULL unless the issuer has verified it */
	const char *normal;
	const char *name;                            /* "" without the claim */
	const char *avatar_url;                      /* "" without the claim */
	unsigned char digest[EXTERNAL_DIGEST_BYTES]; /* of the mapped claims */
	bool link; /* an existing account with this address may be linked */
};

/**
 * store_external_user(st, p, user_id_out):
 * Find the account of (${p}->issuer, ${p}->subject).  ERR_NOT_FOUND if there is
 * none or its claims have changed, so that store_external_provision() must run
 * first.  ERR_DENIED if the token was issued before an account of that subject
 * was deleted, or before the store's record of deletions begins.
 */
enum err store_external_user(struct store *st, const struct external_profile *p,
    int64_t *user_id_out) MUST_CHECK;

/**
 * store_latest_time(st, time_out):
 * The time of the latest change, or of the latest removal of expired rows; 0 in
 * a new store.  Expiry never uses an earlier time.
 */
enum err store_latest_time(struct store *st, int64_t *time_out) MUST_CHECK;

struct store_size {
	int64_t rows;  /* of users, sessions and blacklist */
	int64_t bytes; /* of everything */
};

/* store_size(st, size_out): too slow for a request, as it reads every key. */
enum err store_size(struct store *st, struct store_size *size_out) MUST_CHECK;

/* store_check(st): read all of it; ERR_INVALID if anything is damaged. */
enum err store_check(struct store *st) MUST_CHECK;

/* store_ping(st): can it answer, and from the database that was opened? */
enum err store_ping(struct store *st) MUST_CHECK;

/* ---- changes ---- */

/*
 * The author of a change, for its checks and the audit table; borrowed for the
 * call.
 *
 * If ->handle names a session, the change is ERR_DENIED and changes nothing
 * unless, inside its transaction, that session is live, has the epoch ->epoch
 * and, with ->as_admin, belongs to an administrator.  ->handle is NULL where no
 * session acts: registration, signing in and out, the command line.
 */
struct store_actor {
	const char *address; /* "" if there is none */
	int64_t now;
	const char *handle;
	int64_t epoch; /* of the session when it was found live */
	bool as_admin;
	bool even_last_admin; /* may close or demote the last administrator */
};

/**
 * store_actor_check(st, actor):
 * Make the check that every change makes of ${actor}.  ERR_DENIED is final: no
 * later change of ${actor} succeeds.  It tells a change denied for a session
 * that ended from one denied for a wrong password.
 */
enum err store_actor_check(
    struct store *st, const struct store_actor *actor) MUST_CHECK;

/**
 * store_register(st, actor, u, normal, hash, s):
 * Insert the user ${u} with the password hash ${hash} and, unless it is NULL,
 * the first session ${s}.  Fills in id, epoch, version and times of ${u},
 * user_id and epoch of ${s}.  ERR_CONFLICT if the address is taken.
 */
enum err store_register(struct store *st, const struct store_actor *actor,
    struct user *u, const char *normal, const char *hash,
    struct session *s) MUST_CHECK;

/**
 * store_first_admin(st):
 * Give the first user that is ever registered in the store the role admin.
 */
void store_first_admin(struct store *st);

/*
 * A credential of the user was verified that was read while the user had the
 * epoch ->epoch, or later.  A proof holds if, and only if, the user is active
 * and still has that epoch: store_steps.h says why that suffices for every
 * kind of credential.
 */
struct store_proof {
	int64_t user_id;
	int64_t epoch;
	/* Read by store_session_open() only. */
	const char *hash;   /* of the password that was verified; NULL: none */
	const char *rehash; /* under stronger parameters; NULL: keep ->hash */
};

/**
 * store_session_open(st, actor, proof, s):
 * Insert the session ${s} for the user of ${proof}, filling in user_id and
 * epoch, and end the oldest one beyond SESSION_MAX_PER_USER.  ERR_DENIED if
 * ${proof} does not hold.  ${proof}->rehash replaces the stored hash only if
 * that is ${proof}->hash; if another login has rehashed it, that one stays.
 */
enum err store_session_open(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof, struct session *s) MUST_CHECK;

/**
 * store_logout(st, actor, handle, claims):
 * End the session ${handle} and blacklist the token of ${claims} until its exp.
 * Either may be NULL.  ERR_OK also if the session is unknown or has ended.
 */
enum err store_logout(struct store *st, const struct store_actor *actor,
    const char *handle, const struct claims *claims) MUST_CHECK;

/**
 * store_token_end(st, actor, claims):
 * Blacklist the token of ${claims} until its exp; its session lives on.
 */
enum err store_token_end(struct store *st, const struct store_actor *actor,
    const struct claims *claims) MUST_CHECK;

/**
 * store_session_end(st, actor, user_id, handle):
 * End the session ${handle}.  ERR_NOT_FOUND unless it is one of ${user_id}.
 */
enum err store_session_end(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *handle) MUST_CHECK;

/**
 * store_logout_all(st, actor, user_id, keep, epoch_out, ended_out):
 * Raise the user's epoch, which ends all its sessions and tokens.  The session
 * ${keep}, unless NULL, gets the new epoch and lives on.  *${ended_out} is the
 * number of live sessions that ended.  ERR_NOT_FOUND if there is no such user.
 */
enum err store_logout_all(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *keep, int64_t *epoch_out,
    int64_t *ended_out) MUST_CHECK;

/* NULL leaves a member as it is; email and normal go together. */
struct user_patch {
	const char *email;
	const char *normal;
	const struct store_proof *proof; /* needed for another address */
	const char *name;
	const char *avatar_url;
};

/**
 * store_profile_update(st, actor, user_id, patch, user_out):
 * Apply ${patch}; ${user_out} is the user afterwards.  ERR_CONFLICT if the
 * address is taken, ERR_INVALID if a text is too long or only some of email,
 * normal and proof are set, ERR_DENIED if the proof does not hold,
 * ERR_NOT_FOUND if there is no such user.  The old and the new address are
 * recorded in the audit table.
 */
enum err store_profile_update(struct store *st, const struct store_actor *actor,
    int64_t user_id, const struct user_patch *patch,
    struct user *user_out) MUST_CHECK;

/**
 * store_password_change(st, actor, proof, hash, s, epoch_out):
 * Store the password hash ${hash}, raise the epoch, which ends every session,
 * and insert the new session ${s} (NULL: none), setting its epoch.  ERR_DENIED
 * if
 * ${proof} does not hold.
 */
enum err store_password_change(struct store *st,
    const struct store_actor *actor, const struct store_proof *proof,
    const char *hash, struct session *s, int64_t *epoch_out) MUST_CHECK;

/**
 * store_deactivate(st, actor, proof):
 * Make the user inactive and raise the epoch.  ERR_DENIED if ${proof} does not
 * hold, ERR_CONFLICT if it is the last administrator.
 */
enum err store_deactivate(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof) MUST_CHECK;

/**
 * store_delete(st, actor, proof):
 * Remove the user and all its sessions; its id is never used again.
 * ERR_DENIED if ${proof} does not hold, ERR_CONFLICT if it is the last
 * administrator.
 */
enum err store_delete(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof) MUST_CHECK;

/* ---- changes by an administrator, without a proof ---- */

/* NONE leaves a member as it is. */
struct user_role_and_status {
	enum user_role role;
	enum user_status status;
};

/**
 * store_user_role_and_status(st, actor, user_id, role_and_status, ended_out):
 * Set role and status together.  Disabling a user ends its sessions;
 * *${ended_out} is their number.  ERR_NOT_FOUND if there is no such user,
 * ERR_CONFLICT if it is the last active administrator and would be one no
 * longer.
 */
enum err store_user_role_and_status(struct store *st,
    const struct store_actor *actor, int64_t user_id,
    const struct user_role_and_status *role_and_status,
    int64_t *ended_out) MUST_CHECK;

/**
 * store_password_set(st, actor, user_id, hash, ended_out):
 * store_user_remove(st, actor, user_id, ended_out):
 * Give the user the password hash ${hash}, or delete it; its sessions end, and
 * *${ended_out} is their number.  ERR_NOT_FOUND if there is no such user,
 * ERR_CONFLICT if the last active administrator would be deleted.
 */
enum err store_password_set(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *hash, int64_t *ended_out) MUST_CHECK;
enum err store_user_remove(struct store *st, const struct store_actor *actor,
    int64_t user_id, int64_t *ended_out) MUST_CHECK;

/* store_write_check(st, actor): commit a row of the audit table, as a test. */
enum err store_write_check(
    struct store *st, const struct store_actor *actor) MUST_CHECK;

struct store_keys_edit {
	const char *newest; /* kid of the last key that the caller read; "" */
	bool alone; /* remove all keys but those put; ignores ->newest */
	const struct signing_key_row *put;
	size_t puts;
	char remove[SIGNING_KEYS_MAX][SIGNING_KEY_KID_SIZE];
	size_t removes;
};

/**
 * store_keys_edit(st, actor, edit):
 * Insert the keys of ->put, raising only the lifetime of those that exist, and
 * remove those of ->remove.  ERR_CONFLICT if ->newest is not the last key: the
 * caller must read them again.  ERR_LIMITED if more than SIGNING_KEYS_MAX would
 * exist.
 */
enum err store_keys_edit(struct store *st, const struct store_actor *actor,
    const struct store_keys_edit *edit) MUST_CHECK;

/**
 * store_issuer_put(st, actor, keys), store_issuer_remove(st, actor, issuer):
 * Insert or replace the key set of ${keys}->issuer; remove that of ${issuer},
 * if there is one.  ERR_INVALID if the set is too long, ERR_LIMITED if more
 * than ISSUERS_MAX would exist.  A set that changed is noted in the audit
 * table.
 */
enum err store_issuer_put(struct store *st, const struct store_actor *actor,
    const struct issuer_keys *keys) MUST_CHECK;
enum err store_issuer_remove(struct store *st, const struct store_actor *actor,
    const char *issuer) MUST_CHECK;

enum external_done {
	EXTERNAL_NONE = 0,
	EXTERNAL_FOUND, /* unchanged: another request was first */
	EXTERNAL_CREATED,
	EXTERNAL_LINKED,
	EXTERNAL_UPDATED
};

/**
 * store_external_provision(st, actor, p, user_id_out, done_out):
 * Create the account of (${p}->issuer, ${p}->subject), or update it unless it
 * has newer claims.  It has no password, the role user, and the address only if
 * no other account has that.  ERR_DENIED as store_external_user().
 *
 * With ${p}->link, an existing account with the same address is linked instead
 * and keeps its profile, unless it is an administrator's: its owner may have
 * registered it with an address that was never verified.
 */
enum err store_external_provision(struct store *st,
    const struct store_actor *actor, const struct external_profile *p,
    int64_t *user_id_out, enum external_done *done_out) MUST_CHECK;

#define STORE_LINKS_MAX 32

/**
 * store_external_links(st, user_id, links_out, n_out):
 * Read the subjects of external issuers that belong to the user, at most
 * STORE_LINKS_MAX of them.
 *
 * store_external_unlink(st, actor, user_id, ended_out):
 * Remove all of them and raise the epoch, which ends every session and every
 * token of the user.  A token issued later may be linked, or create an account,
 * again.  ERR_NOT_FOUND if there is no such user.
 */
enum err store_external_links(struct store *st, int64_t user_id,
    struct subject links_out[STORE_LINKS_MAX], size_t *n_out) MUST_CHECK;
enum err store_external_unlink(struct store *st,
    const struct store_actor *actor, int64_t user_id,
    int64_t *ended_out) MUST_CHECK;

/**
 * store_session_touch(st, handle, now):
 * Set last_seen_at of a live session, if a lock is free at once.
 * ERR_NOT_FOUND if it is not live.
 */
enum err store_session_touch(
    struct store *st, const char *handle, int64_t now) MUST_CHECK;

/* ---- maintenance, from the background thread ---- */

/**
 * store_maintenance(st, now, removed_out):
 * One short step: remove at most 500 expired rows (*${removed_out} is their
 * number), and let the backend keep its files small.  If rows are removed,
 * store_latest_time() is at least ${now} afterwards.
 */
enum err store_maintenance(
    struct store *st, int64_t now, int64_t *removed_out) MUST_CHECK;

/* ---- a clock that was wrong ---- */

/**
 * store_clock_jump(st, actor):
 * Note in the audit table that the wall clock is behind ${actor}->now, the
 * latest time.
 */
enum err store_clock_jump(
    struct store *st, const struct store_actor *actor) MUST_CHECK;

/**
 * store_clock_reset(st, now, ended_out):
 * Lower the latest time to ${now}, and every later time in the store with it.
 * Rows that ended something may have expired too early, so every session ends
 * (*${ended_out} is their number), and every token, of external issuers too.
 * No cached copy is made invalid: no other process may have the store open.
 */
enum err store_clock_reset(
    struct store *st, int64_t now, int64_t *ended_out) MUST_CHECK;

#endif
