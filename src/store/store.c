/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/testpoint.h"
#include "coherence/coherence.h"
#include "shm/shm.h"
#include "store/backend.h"

/* ---- opening ---- */

/* The shared memory may be new; the store knows the latest time. */
static enum err
raise_time(struct shm *m, struct store **store)
{
	int64_t latest;
	enum err err = store_latest_time(*store, &latest);

	if (err == ERR_OK) {
		(void)shm_time(m, latest);
		return ERR_OK;
	}
	store_close(*store);
	*store = NULL;
	return err;
}

enum err
store_open(const char *url, struct shm *m, const struct store_options *options,
    struct store **store_out)
{
	const struct store_backend *backend;
	char quoted[LOG_QUOTED_SIZE];
	const char *path;
	enum err err;

	*store_out = NULL;
	backend = store_backend_of(url, &path);
	if (backend != NULL) {
		err = backend->open(path, m, options, store_out);
		return err == ERR_OK ? raise_time(m, store_out) : err;
	}
	log_event(LOG_LEVEL_ERROR, "store_refused",
	    "reason=\"no store of this scheme\" scheme=%s",
	    log_quote(quoted, url));
	return ERR_INVALID;
}

void
store_close(struct store *st)
{
	struct coherence *coherence;

	if (st == NULL)
		return;
	coherence = st->coherence;
	st->ops->close(st);
	coherence_free(coherence);
}

struct coherence *
store_coherence(const struct store *st)
{
	return st->coherence;
}

/* ---- optional operations ---- */

bool
store_has_reserve(struct store *st)
{
	return st->ops->has_reserve == NULL || st->ops->has_reserve(st);
}

bool
store_release_reserve(struct store *st)
{
	return st->ops->release_reserve != NULL && st->ops->release_reserve(st);
}

enum err
store_after_commits(struct store *st)
{
	return st->ops->on_commit != NULL ? st->ops->on_commit(st) : ERR_OK;
}

/* ---- waiting ---- */

void
store_wait_from_now(struct store *st, int wait_ms)
{
	st->wait_until = clock_system.mono_us() + (int64_t)wait_ms * 1000;
}

int
store_wait_left(const struct store *st)
{
	int64_t left = st->wait_until - clock_system.mono_us();

	return left > 0 ? (int)((left + 999) / 1000) : 0;
}

void
store_on_change(struct store *st, store_tidy_fn *fn, void *ctx)
{
	st->tidy = fn;
	st->tidy_ctx = ctx;
}

/*
 * ---- reads ----
 *
 * Outputs are cleared on every error, whatever the backend left in them: a
 * caller that ignores the error finds a user without id, role and status, which
 * denies.
 */

enum err
store_user_by_id(struct store *st, int64_t id, struct user *user_out)
{
	enum err err;

	memset(user_out, 0, sizeof(*user_out));
	err = st->ops->user_by_id(st, id, user_out);
	if (err != ERR_OK)
		memset(user_out, 0, sizeof(*user_out));
	return err;
}

enum err
store_users_by_ids(
    struct store *st, const int64_t *ids, size_t n, struct user *users_out)
{
	enum err err;

	memset(users_out, 0, n * sizeof(*users_out));
	if (n > STORE_USERS_MAX)
		return ERR_INVALID;
	if (n == 0)
		return ERR_OK;
	err = st->ops->users_by_ids(st, ids, n, users_out);
	if (err != ERR_OK)
		memset(users_out, 0, n * sizeof(*users_out));
	return err;
}

enum err
store_users_list(struct store *st, const char *text, int64_t after,
    struct user users_out[STORE_LIST_MAX], size_t *n_out)
{
	size_t size = STORE_LIST_MAX * sizeof(*users_out);
	enum err err;

	*n_out = 0;
	memset(users_out, 0, size);
	err = st->ops->users_list(
	    st, text, after, STORE_LIST_MAX, users_out, n_out);
	if (err != ERR_OK) {
		*n_out = 0;
		memset(users_out, 0, size);
	}
	return err;
}

enum err
store_user_by_email(struct store *st, const char *normal, struct user *user_out)
{
	enum err err;

	memset(user_out, 0, sizeof(*user_out));
	err = st->ops->user_by_email(st, normal, user_out);
	if (err != ERR_OK)
		memset(user_out, 0, sizeof(*user_out));
	return err;
}

enum err
store_password_hash(struct store *st, int64_t id, char hash_out[USER_HASH_SIZE])
{
	enum err err;

	memset(hash_out, 0, USER_HASH_SIZE);
	err = st->ops->password_hash(st, id, hash_out);
	if (err != ERR_OK)
		secret_wipe(hash_out, USER_HASH_SIZE);
	return err;
}

enum err
store_session_by_handle(
    struct store *st, const char *handle, struct session *session_out)
{
	enum err err;

	memset(session_out, 0, sizeof(*session_out));
	err = st->ops->session_by_handle(st, handle, session_out);
	if (err != ERR_OK)
		memset(session_out, 0, sizeof(*session_out));
	return err;
}

enum err
store_sessions_live(struct store *st, int64_t user_id, int64_t now,
    struct session sessions_out[SESSION_MAX_PER_USER], size_t *n_out)
{
	size_t size = SESSION_MAX_PER_USER * sizeof(*sessions_out);
	int64_t latest;
	enum err err;

	*n_out = 0;
	memset(sessions_out, 0, size);
	err = store_latest_time(st, &latest);
	if (err == ERR_OK)
		err = st->ops->sessions_live(st, user_id,
		    now > latest ? now : latest, sessions_out, n_out);
	if (err != ERR_OK) {
		*n_out = 0;
		memset(sessions_out, 0, size);
	}
	return err;
}

enum err
store_sessions_list(struct store *st, int64_t now, size_t max,
    struct session *sessions_out, size_t *n_out)
{
	int64_t latest;
	enum err err;

	*n_out = 0;
	memset(sessions_out, 0, max * sizeof(*sessions_out));
	err = store_latest_time(st, &latest);
	if (err == ERR_OK)
		err = st->ops->sessions_list(
		    st, now > latest ? now : latest, max, sessions_out, n_out);
	if (err != ERR_OK) {
		*n_out = 0;
		memset(sessions_out, 0, max * sizeof(*sessions_out));
	}
	return err;
}

enum err
store_token_revoked(struct store *st, const char *jti, bool *revoked_out)
{
	bool revoked = true;
	enum err err;

	err = st->ops->token_revoked(st, jti, &revoked);
	*revoked_out = err == ERR_OK ? revoked : true;
	return err;
}

enum err
store_latest_time(struct store *st, int64_t *time_out)
{
	enum err err;

	*time_out = 0;
	err = st->ops->latest_time(st, time_out);
	if (err != ERR_OK)
		*time_out = 0;
	return err;
}

enum err
store_size(struct store *st, struct store_size *size_out)
{
	enum err err;

	memset(size_out, 0, sizeof(*size_out));
	err = st->ops->size(st, size_out);
	if (err != ERR_OK)
		memset(size_out, 0, sizeof(*size_out));
	return err;
}

enum err
store_check(struct store *st)
{
	return st->ops->check(st);
}

enum err
store_ping(struct store *st)
{
	TESTPOINT("store:ping");
	return st->ops->ping(st);
}
