/* SPDX-License-Identifier: ISC */
#include "issuers/jwks_refresh.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/testpoint.h"
#include "issuers/discovery.h"
#include "issuers/issuers_config.h"
#include "shm/counters.h"
#include "shm/jwks_refresh_request.h"
#include "store/store.h"
#include "token/jwk.h"

/* A set is fetched 5 to 10 % before it becomes stale. */
#define EARLY 20

/* The rows of the store. */
struct rows {
	struct issuer_keys list[ISSUERS_MAX];
	size_t count;
};

static void
clear_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		issuer_keys_clear(&rows->list[i]);
	rows->count = 0;
}

static struct issuer_keys *
find_row(struct rows *rows, const char *issuer)
{
	for (size_t i = 0; i < rows->count; i++)
		if (strcmp(rows->list[i].issuer, issuer) == 0)
			return &rows->list[i];
	return NULL;
}

static struct store_actor
actor_at(int64_t now)
{
	return (struct store_actor){ .address = "", .now = now };
}

/* ---- scheduling ---- */

static int64_t
clamp_freshness(int64_t seconds)
{
	if (seconds < JWKS_REFRESH_FRESH_MIN)
		return JWKS_REFRESH_FRESH_MIN;
	return seconds < JWKS_REFRESH_FRESH_MAX ? seconds
						: JWKS_REFRESH_FRESH_MAX;
}

/* How long a set counts as fresh; ${allowed} by the issuer, -1: not stated. */
static int64_t
freshness(const struct jwks_refresh *r, int64_t allowed)
{
	if (allowed < 0 || allowed > r->interval)
		allowed = r->interval;
	return clamp_freshness(allowed);
}

/*
 * Fetch before the set is stale, to leave time for another attempt, and not at
 * the same time for all sets.  The result is a hash, so that every call gives
 * the same time for the same set.
 */
static int64_t
refresh_time(const struct jwks_refresh *r, const struct issuer_keys *row)
{
	int64_t span = freshness(r, row->fresh_until - row->fetched_at);
	uint64_t chance =
	    siphash_bytes(r->seed, row->issuer, strlen(row->issuer));

	chance ^= (uint64_t)row->fetched_at;
	chance = siphash_bytes(r->seed, &chance, sizeof(chance));
	return row->fetched_at + span - span / EARLY -
	    (int64_t)(chance % (uint64_t)(span / EARLY + 1));
}

static int64_t
back_off(int64_t failures)
{
	int64_t wait = JWKS_REFRESH_FLOOR_SECONDS;

	for (int64_t i = 1; i < failures && wait < JWKS_REFRESH_BACK_OFF_MAX;
	     i++)
		wait *= 2;
	return wait < JWKS_REFRESH_BACK_OFF_MAX ? wait
						: JWKS_REFRESH_BACK_OFF_MAX;
}

static int64_t
due_time(const struct jwks_refresh *r, const struct issuer_keys *row)
{
	int64_t at = row->jwks != NULL ? refresh_time(r, row) : row->tried_at;

	if (row->failures > 0 && at < row->tried_at + back_off(row->failures))
		at = row->tried_at + back_off(row->failures);
	if (jwks_refresh_request_time(r->shm, row->issuer) > row->tried_at)
		at = row->tried_at;
	if (row->tried_at > 0 &&
	    at < row->tried_at + JWKS_REFRESH_FLOOR_SECONDS)
		at = row->tried_at + JWKS_REFRESH_FLOOR_SECONDS;
	return at;
}

/* ---- fetching ---- */

/* Count the usable keys of ${reply}; having none is a failure. */
static enum err
check_keys(const struct issuer *issuer, struct http_reply *reply, size_t *n_out)
{
	struct jwk_set *set;
	enum err err;

	*n_out = 0;
	err = reply->body.len == 0
	    ? ERR_INVALID
	    : jwk_set_parse(
		  reply->body.data, reply->body.len, issuer->algorithms, &set);
	if (err != ERR_OK)
		return http_get_fail(
		    reply, "no_keys", "not a JWK set, or no usable key in it");
	*n_out = jwk_set_count(set);
	jwk_set_free(set);
	return ERR_OK;
}

static enum err
accept_set(const struct jwks_refresh *r, struct http_reply *reply, int64_t now,
    struct issuer_keys *row)
{
	char *jwks = strdup(reply->body.data);

	if (jwks == NULL)
		return http_get_fail(reply, "broken", "out of memory");
	free(row->jwks);
	row->jwks = jwks;
	row->fetched_at = now;
	row->fresh_until = now + freshness(r, reply->max_age);
	row->failures = 0;
	row->error[0] = '\0';
	return ERR_OK;
}

static void
record_failure(
    struct shm *m, const struct http_reply *reply, struct issuer_keys *row)
{
	char name[LOG_QUOTED_SIZE], detail[LOG_QUOTED_SIZE];

	row->failures++;
	if (str_copy(row->error, sizeof(row->error), reply->error) != ERR_OK)
		row->error[0] = '\0';
	counters_add(m, COUNTERS_JWKS_FAILED, 1);
	log_event(LOG_LEVEL_WARN, "issuer_not_fetched",
	    "issuer=%s error=%s failures=%lld detail=%s",
	    log_quote(name, row->issuer), row->error, (long long)row->failures,
	    log_quote(detail, reply->detail));
}

/* Fetch and write the result to ${row}; false if stopped meanwhile. */
static bool
fetch_set(const struct jwks_refresh *r, const struct issuer *issuer,
    int64_t now, struct issuer_keys *row)
{
	struct http_reply reply;
	char name[LOG_QUOTED_SIZE];
	size_t keys = 0;
	enum err err;

	err = discovery_fetch(r->http_client, issuer, r->stop, &reply);
	if (err == ERR_OK)
		err = check_keys(issuer, &reply, &keys);
	if (err == ERR_OK)
		err = accept_set(r, &reply, now, row);
	if (err == ERR_OK) {
		counters_add(r->shm, COUNTERS_JWKS_FETCHED, 1);
		log_event(LOG_LEVEL_INFO, "issuer_fetched",
		    "issuer=%s keys=%zu fresh=%lld",
		    log_quote(name, row->issuer), keys,
		    (long long)(row->fresh_until - now));
	} else if (r->stop == NULL || !atomic_load(r->stop)) {
		record_failure(r->shm, &reply, row);
	}
	http_get_reply_clear(&reply);
	return err == ERR_OK || r->stop == NULL || !atomic_load(r->stop);
}

static enum err
refresh_one(const struct jwks_refresh *r, const struct issuer *issuer,
    int64_t now, struct issuer_keys *row)
{
	struct store_actor actor = actor_at(now);
	enum err err;

	/* A crash during the fetch must not cause an immediate retry. */
	row->tried_at = now;
	if ((err = store_issuer_put(r->store, &actor, row)) != ERR_OK)
		return err;
	TESTPOINT("jwks:attempt-recorded");
	if (!fetch_set(r, issuer, now, row))
		return ERR_OK;
	TESTPOINT("jwks:fetched");
	return store_issuer_put(r->store, &actor, row);
}

/* ---- one step ---- */

static enum err
remove_unconfigured(
    const struct jwks_refresh *r, int64_t now, struct rows *rows)
{
	struct store_actor actor = actor_at(now);
	char name[LOG_QUOTED_SIZE];
	size_t i = 0;
	enum err err;

	while (i < rows->count) {
		struct issuer_keys *row = &rows->list[i];

		if (issuers_config_find(r->issuers, row->issuer) != NULL) {
			i++;
			continue;
		}
		err = store_issuer_remove(r->store, &actor, row->issuer);
		if (err != ERR_OK)
			return err;
		log_event(LOG_LEVEL_INFO, "issuer_removed", "issuer=%s",
		    log_quote(name, row->issuer));
		issuer_keys_clear(row);
		*row = rows->list[--rows->count];
		memset(&rows->list[rows->count], 0, sizeof(*row));
	}
	return ERR_OK;
}

/* Only configured issuers are left, so there is room for all of them. */
static enum err
add_missing(const struct jwks_refresh *r, struct rows *rows)
{
	for (size_t i = 0; i < r->issuers->count; i++) {
		const char *name = r->issuers->list[i].name;
		struct issuer_keys *row = &rows->list[rows->count];
		enum err err;

		if (find_row(rows, name) != NULL)
			continue;
		err = str_copy(row->issuer, sizeof(row->issuer), name);
		if (err != ERR_OK)
			return err;
		rows->count++;
	}
	return ERR_OK;
}

/* Return the row that is due first, and when; NULL if there are no rows. */
static struct issuer_keys *
first_due(const struct jwks_refresh *r, struct rows *rows, int64_t *at_out)
{
	struct issuer_keys *first = NULL;
	int64_t at;

	for (size_t i = 0; i < rows->count; i++) {
		at = due_time(r, &rows->list[i]);
		if (first != NULL && at >= *at_out)
			continue;
		first = &rows->list[i];
		*at_out = at;
	}
	return first;
}

enum err
jwks_refresh_step(const struct jwks_refresh *r, int64_t now, int64_t *next_out)
{
	struct rows rows = { 0 };
	struct issuer_keys *row;
	int64_t next = now + JWKS_REFRESH_FLOOR_SECONDS;
	enum err err;

	err = store_issuers(r->store, rows.list, &rows.count);
	if (err == ERR_OK)
		err = remove_unconfigured(r, now, &rows);
	if (err == ERR_OK)
		err = add_missing(r, &rows);
	if (err != ERR_OK)
		goto out;
	row = first_due(r, &rows, &next);
	if (row != NULL && next <= now) {
		err = refresh_one(
		    r, issuers_config_find(r->issuers, row->issuer), now, row);
		if (err == ERR_OK)
			(void)first_due(r, &rows, &next);
	}
	TESTPOINT("jwks:stepped");
out:
	*next_out = err == ERR_OK ? next : now + JWKS_REFRESH_RETRY_SECONDS;
	clear_rows(&rows);
	return err;
}
