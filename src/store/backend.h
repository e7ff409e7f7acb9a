/* SPDX-License-Identifier: ISC */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/event.h"
#include "store/store.h"
#include "store/store_url.h"

/*
 * A backend stores rows in transactions and knows no rules; the store_*.c files
 * implement the promises of store.h with these operations.
 *
 * Reads are called inside or outside a transaction, writes only between begin
 * and commit or rollback.  After any error the caller rolls back, so a failed
 * operation may leave half a change behind.  Every operation may return
 * ERR_UNAVAILABLE, besides the errors named here.
 */

struct store_audit {
	int64_t at;
	enum event event;
	int64_t user_id;
	const char *handle; /* "" if there is none */
	const char *address;
	const char *detail; /* NULL: none */
};

/* ${path}: what follows the scheme in the URL. */
typedef enum err store_open_fn(const char *path, struct shm *m,
    const struct store_options *options, struct store **store_out);
typedef void store_close_fn(struct store *st);

/* Start a writing transaction; ERR_UNAVAILABLE after ${wait_ms}. */
typedef enum err store_begin_fn(struct store *st, int wait_ms);
/*
 * On failure the transaction is over.  ERR_UNAVAILABLE: it was not committed.
 * ERR_INTERNAL: no reader sees it, but after a failed sync it may reappear
 * until another transaction is committed.
 */
typedef enum err store_commit_fn(struct store *st);
typedef void store_rollback_fn(struct store *st);

/* Is the space reserved for changes that end something complete? */
typedef bool store_has_reserve_fn(struct store *st);
/*
 * After a failed change: true if it failed for lack of space and nothing else,
 * and space was released, so that a second attempt may succeed.
 */
typedef bool store_release_reserve_fn(struct store *st);
/* Outside a transaction, holding the write lock: keep the files small. */
typedef enum err store_on_commit_fn(struct store *st);
typedef enum err store_ping_fn(struct store *st);

/* Reads of one row; ERR_NOT_FOUND if there is none. */
typedef enum err store_user_by_id_fn(
    struct store *st, int64_t id, struct user *user_out);
typedef enum err store_users_by_ids_fn(
    struct store *st, const int64_t *ids, size_t n, struct user *users_out);
/* Is a user other than ${id} an active administrator? */
typedef enum err store_other_admin_fn(
    struct store *st, int64_t id, bool *exists_out);
/* As store_users_list(), at most ${max}. */
typedef enum err store_users_list_fn(struct store *st, const char *text,
    int64_t after, size_t max, struct user *users_out, size_t *n_out);
typedef enum err store_user_by_email_fn(
    struct store *st, const char *normal, struct user *user_out);
typedef enum err store_password_hash_fn(
    struct store *st, int64_t user_id, char hash_out[USER_HASH_SIZE]);
typedef enum err store_session_by_handle_fn(
    struct store *st, const char *handle, struct session *session_out);
/* Newest first, at most SESSION_MAX_PER_USER. */
typedef enum err store_sessions_live_fn(struct store *st, int64_t user_id,
    int64_t now, struct session *sessions_out, size_t *n_out);
/* The same of all users. */
typedef enum err store_sessions_list_fn(struct store *st, int64_t now,
    size_t max, struct session *sessions_out, size_t *n_out);
typedef enum err store_token_revoked_fn(
    struct store *st, const char *jti, bool *revoked_out);
typedef enum err store_latest_time_fn(struct store *st, int64_t *time_out);
/* By signs_at, at most SIGNING_KEYS_MAX. */
typedef enum err store_keys_fn(
    struct store *st, struct signing_key_row *keys_out, size_t *n_out);
typedef enum err store_subject_fn(struct store *st, const char *issuer,
    const char *subject, struct subject *subject_out);
/* At most STORE_LINKS_MAX subjects of a user, by issuer and subject. */
typedef enum err store_subjects_fn(struct store *st, int64_t user_id,
    struct subject *subjects_out, size_t *n_out);
/* Tokens issued before *${time_out} create no account; 0: all may. */
typedef enum err store_external_since_fn(struct store *st, int64_t *time_out);
/* By name, at most ISSUERS_MAX; the caller frees their key sets. */
typedef enum err store_issuers_fn(
    struct store *st, struct issuer_keys *keys_out, size_t *n_out);
typedef enum err store_size_fn(struct store *st, struct store_size *size_out);
/* Read everything; ERR_INVALID if it is damaged. */
typedef enum err store_check_fn(struct store *st);

/* Fills in ${u}->id, never used before; ERR_CONFLICT: the address is taken. */
typedef enum err store_user_insert_fn(
    struct store *st, struct user *u, const char *normal);
/* All but id and created_at; ${normal} NULL keeps it. */
typedef enum err store_user_update_fn(
    struct store *st, const struct user *u, const char *normal);
/* The user, all its sessions and credentials. */
typedef enum err store_user_delete_fn(struct store *st, int64_t id);
/* Insert or replace the password of the user, which must exist. */
typedef enum err store_password_put_fn(
    struct store *st, int64_t user_id, const char *hash, int64_t now);
/* Remove the password of the user, if there is one. */
typedef enum err store_password_remove_fn(struct store *st, int64_t user_id);
/*
 * If the stored hash is ${hash}, note that it was used and, unless it is NULL,
 * store ${rehash} in its place; otherwise do nothing.
 */
typedef enum err store_password_used_fn(struct store *st, int64_t user_id,
    const char *hash, const char *rehash, int64_t now);
typedef enum err store_session_insert_fn(
    struct store *st, const struct session *s);
/* epoch, last_seen_at and revoked_at of the row called ${s}->handle. */
typedef enum err store_session_update_fn(
    struct store *st, const struct session *s);
typedef enum err store_token_revoke_fn(
    struct store *st, const char *jti, int64_t expires_at);
/* Insert, or raise the lifetime of the existing row. */
typedef enum err store_key_put_fn(
    struct store *st, const struct signing_key_row *key);
typedef enum err store_key_remove_fn(struct store *st, const char *kid);
/* Insert or replace. */
typedef enum err store_subject_put_fn(
    struct store *st, const struct subject *subject);
/* Mark the subjects of a user that is deleted or unlinked at ${now}. */
typedef enum err store_subjects_end_fn(
    struct store *st, int64_t user_id, int64_t now);
/* Insert or replace; remove if it exists. */
typedef enum err store_issuer_put_fn(
    struct store *st, const struct issuer_keys *keys);
typedef enum err store_issuer_remove_fn(struct store *st, const char *issuer);
/* Raise the latest time to ${now}; it does not fall. */
typedef enum err store_latest_time_raise_fn(struct store *st, int64_t now);
typedef enum err store_audit_add_fn(
    struct store *st, const struct store_audit *row);

/*
 * Lower the latest time to ${now}, and to at most ${now} the times of all rows
 * that have happened; a blacklist row expires STORE_ENDED_SECONDS later at the
 * latest, because no token lives longer.  Remove all sessions (*${ended_out} is
 * their number), raise the epoch of every user at ${now}, and let no token of
 * an external issuer from before ${now} create an account.
 */
typedef enum err store_clock_reset_fn(
    struct store *st, int64_t now, int64_t *ended_out);
/*
 * Remove at most ${limit} rows in all that have no use at ${now}: expired
 * sessions, blacklist rows, audit rows, and subjects of deleted accounts.
 */
typedef enum err store_expire_fn(
    struct store *st, int64_t now, int limit, int64_t *removed_out);

struct store_ops { /* all are required unless NULL has a meaning here */
	const char *name;
	store_close_fn *close;
	store_begin_fn *begin;
	store_commit_fn *commit;
	store_rollback_fn *rollback;
	store_has_reserve_fn *has_reserve; /* NULL: always complete */
	store_release_reserve_fn
	    *release_reserve;          /* NULL: nothing to release */
	store_on_commit_fn *on_commit; /* NULL: nothing to do */
	store_ping_fn *ping;
	store_user_by_id_fn *user_by_id;
	store_users_by_ids_fn *users_by_ids;
	store_users_list_fn *users_list;
	store_other_admin_fn *other_admin;
	store_user_by_email_fn *user_by_email;
	store_password_hash_fn *password_hash;
	store_session_by_handle_fn *session_by_handle;
	store_sessions_live_fn *sessions_live;
	store_sessions_list_fn *sessions_list;
	store_token_revoked_fn *token_revoked;
	store_keys_fn *keys;
	store_latest_time_fn *latest_time;
	store_subject_fn *subject;
	store_subjects_fn *subjects;
	store_external_since_fn *external_since;
	store_issuers_fn *issuers;
	store_size_fn *size;
	store_check_fn *check;
	store_user_insert_fn *user_insert;
	store_user_update_fn *user_update;
	store_user_delete_fn *user_delete;
	store_password_put_fn *password_put;
	store_password_remove_fn *password_remove;
	store_password_used_fn *password_used;
	store_session_insert_fn *session_insert;
	store_session_update_fn *session_update;
	store_token_revoke_fn *token_revoke;
	store_key_put_fn *key_put;
	store_key_remove_fn *key_remove;
	store_subject_put_fn *subject_put;
	store_subjects_end_fn *subjects_end;
	store_issuer_put_fn *issuer_put;
	store_issuer_remove_fn *issuer_remove;
	store_latest_time_raise_fn *latest_time_raise;
	store_clock_reset_fn *clock_reset;
	store_audit_add_fn *audit_add;
	store_expire_fn *expire;
};

/* NULL in a backend whose files are always complete. */
typedef enum err store_settle_fn(const char *path, char why[STORE_WHY_SIZE]);
typedef enum err store_backup_fn(
    const char *path, const char *file, bool replace, char why[STORE_WHY_SIZE]);
typedef enum err store_restore_fn(const char *file, const char *path,
    struct shm *shm, int64_t now, struct store_restored *restored_out,
    char why[STORE_WHY_SIZE]);

/* A backend.  Its functions get what follows "SCHEME:" in a URL. */
struct store_backend {
	const char *scheme;
	store_open_fn *open;
	/* Why ${path} names no database; NULL if it may. */
	const char *(*flaw)(const char *path);
	/* Suffixes of the files that may belong to it, NULL at the end. */
	const char *const *suffixes;
	store_settle_fn *settle;
	store_backup_fn *backup;
	store_restore_fn *restore;
};

extern const struct store_backend sqlite_backend;

/**
 * store_backend_of(url, path_out):
 * Find the backend of ${url} and what follows the scheme, borrowed.  A text
 * without a scheme is the path of a SQLite database.  NULL for an unknown
 * scheme.
 */
const struct store_backend *store_backend_of(
    const char *url, const char **path_out);

/* The struct of every backend begins with this one. */
struct store {
	const struct store_ops *ops;
	struct coherence *coherence; /* freed by store_close() */
	int write_wait_ms;
	int64_t wait_until; /* store_wait_from_now() */
	bool first_admin;
	store_tidy_fn *tidy;
	void *tidy_ctx;
};

/**
 * store_wait_from_now(st, wait_ms), store_wait_left(st):
 * Set one deadline for all waits of a change, for the write lock and for locks
 * of the backend; return what is left until then in ms, 0 for not waiting.
 */
void store_wait_from_now(struct store *st, int wait_ms);
int store_wait_left(const struct store *st);

/* Call the operation if the backend has it. */
bool store_has_reserve(struct store *st);
bool store_release_reserve(struct store *st);
enum err store_after_commits(struct store *st) MUST_CHECK;

/* How long rows are kept beyond their use. */
#define STORE_JTI_GRACE_SECONDS 3600 /* more than any leeway on exp */
/*
 * The end of an account ends tokens with an iat up to a leeway later; those
 * live for STORE_AUDIT_SECONDS and a leeway at most.
 */
#define STORE_ENDED_SECONDS (STORE_AUDIT_SECONDS + 3600)

#define STORE_USERS_MAX 100 /* ids in one query */

#endif
