/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_STORE_MEMORY_BACKEND_H
#define SUPPORT_STORE_MEMORY_BACKEND_H

#include "store/backend.h"

/*
 * The store in memory, for its own files only:
 *   store_memory.c          transactions, failures on demand, maintenance
 *   store_memory_rows.c     tables
 *   store_memory_users.c    users, sessions and tokens
 *   store_memory_keys.c     signing keys
 *   store_memory_issuers.c  external issuers' keys and subjects
 *   store_memory_clock.c    a clock that was wrong
 */

struct memory_user {
	struct user user;
	char normal[USER_EMAIL_SIZE];
	char hash[USER_HASH_SIZE];
};

struct memory_token {
	char jti[TOKEN_JTI_SIZE];
	int64_t expires_at;
};

/* One table: ${count} rows of ${size} bytes each. */
struct memory_table {
	char *rows;
	size_t size;
	size_t count;
};

struct memory_issuer {
	struct issuer_keys keys; /* without the set, which follows */
	bool has_jwks;
	char jwks[ISSUER_JWKS_MAX + 1];
};

enum memory_tables {
	USERS,
	SESSIONS,
	TOKENS,
	AUDIT,
	KEYS,
	SUBJECTS,
	ISSUERS,
	TABLES
};

struct memory_rows {
	struct memory_table table[TABLES];
	int64_t last_id;
	int64_t latest_time;
	int64_t external_since;
};

/* A transaction keeps a copy for its rollback. */
struct memory_store {
	struct store base;
	struct memory_rows now;
	struct memory_rows before;
	bool in_transaction;
	enum err fail_next;
	enum err fail_commit;
};

/* memory_store(st): the store that ${st} is the base of. */
static inline struct memory_store *
memory_store(struct store *st)
{
	return (struct memory_store *)st; /* base is its first member */
}

/* ---- store_memory_rows.c ---- */

/* memory_enter(s): called before each operation; the failure on demand. */
enum err memory_enter(struct memory_store *s) MUST_CHECK;
enum err memory_take_failure(enum err *failure) MUST_CHECK;

/* memory_init(r): no rows. */
void memory_init(struct memory_rows *r);
/* memory_clear(r): wipe and free.  memory_copy(dst, src): a deep copy. */
void memory_clear(struct memory_rows *r);
enum err memory_copy(
    struct memory_rows *dst, const struct memory_rows *src) MUST_CHECK;

/* Row ${i}; add a zeroed row, NULL without memory; remove row ${i}. */
void *memory_row(const struct memory_table *t, size_t i);
void *memory_add(struct memory_table *t);
void memory_remove(struct memory_table *t, size_t i);

/* Valid until rows are added or removed; NULL if there is none. */
struct memory_user *memory_find_user(struct memory_store *s, int64_t id);
struct memory_user *memory_find_normal(
    struct memory_store *s, const char *normal);
struct session *memory_find_session(struct memory_store *s, const char *handle);
struct memory_token *memory_find_token(struct memory_store *s, const char *jti);

/* ---- store_memory_users.c ---- */

extern store_user_by_id_fn memory_user_by_id;
extern store_users_by_ids_fn memory_users_by_ids;
extern store_users_list_fn memory_users_list;
extern store_other_admin_fn memory_other_admin;
extern store_user_by_email_fn memory_user_by_email;
extern store_password_hash_fn memory_password_hash;
extern store_user_insert_fn memory_user_insert;
extern store_user_update_fn memory_user_update;
extern store_user_delete_fn memory_user_delete;
extern store_password_remove_fn memory_password_remove;
extern store_password_put_fn memory_password_put;
extern store_password_used_fn memory_password_used;
extern store_session_by_handle_fn memory_session_by_handle;
extern store_sessions_live_fn memory_sessions_live;
extern store_sessions_list_fn memory_sessions_list;
extern store_session_insert_fn memory_session_insert;
extern store_session_update_fn memory_session_update;
extern store_token_revoked_fn memory_token_revoked;
extern store_token_revoke_fn memory_token_revoke;

/* ---- store_memory_keys.c ---- */

extern store_keys_fn memory_keys;
extern store_key_put_fn memory_key_put;
extern store_key_remove_fn memory_key_remove;

/* ---- store_memory_issuers.c ---- */

extern store_subject_fn memory_subject;
extern store_subjects_fn memory_subjects;
extern store_external_since_fn memory_external_since;
extern store_issuers_fn memory_issuers;
extern store_subject_put_fn memory_subject_put;
extern store_subjects_end_fn memory_subjects_end;
extern store_issuer_put_fn memory_issuer_put;
extern store_issuer_remove_fn memory_issuer_remove;

/* ---- store_memory_clock.c ---- */

extern store_clock_reset_fn memory_clock_reset;

#endif
