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

#define EARLY 20 /* one or two parts of so many */

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
acting(int64_t now)
{
	return (struct store_actor){ .address = "", .now = now };
}

/* ---- when ---- */

static int64_t
clamped(int64_t seconds)
{
	if (seconds < JWKS_REFRESH_FRESH_MIN)
		return JWKS_REFRESH_FRESH_MIN;
	return seconds < JWKS_REFRESH_FRESH_MAX ? seconds
						: JWKS_REFRESH_FRESH_MAX;
}

/* What may be kept for longer than we like to is asked for sooner. */
static int64_t
fresh_for(const struct jwks_refresh *k, int64_t allowed)
{
	if (allowed < 0 || allowed > k->interval)
		allowed = k->interval;
	return clamped(allowed);
}

/*
 * Some time before it is over, so that there is room for another try, and not
 * all at once; always the same for the same set, as it is asked again and
 * again.
 */
static int64_t
refresh_at(const struct jwks_refresh *k, const struct issuer_keys *row)
{
	int64_t span = fresh_for(k, row->fresh_until - row->fetched_at);
	uint64_t chance =
	    siphash_bytes(k->seed, row->issuer, strlen(row->issuer));

	chance ^= (uint64_t)row->fetched_at;
	chance = siphash_bytes(k->seed, &chance, sizeof(chance));
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
due_at(const struct jwks_refresh *k, const struct issuer_keys *row)
{
	int64_t at = row->jwks != NULL ? refresh_at(k, row) : row->tried_at;

	if (row->failures > 0 && at < row->tried_at + back_off(row->failures))
		at = row->tried_at + back_off(row->failures);
	if (jwks_refresh_request_time(k->shm, row->issuer) > row->tried_at)
		at = row->tried_at;
	if (row->tried_at > 0 &&
	    at < row->tried_at + JWKS_REFRESH_FLOOR_SECONDS)
		at = row->tried_at + JWKS_REFRESH_FLOOR_SECONDS;
	return at;
}

/* ---- fetching ---- */

/* Are there keys in it that we can use? */
static enum err
check_keys(const struct issuer *issuer, struct http_reply *reply, size_t *n)
{
	struct jwk_set *set;
	enum err err;

	*n = 0;
	err = reply->body.len == 0
	    ? ERR_INVALID
	    : jwk_set_parse(
		  reply->body.data, reply->body.len, issuer->algorithms, &set);
	if (err != ERR_OK)
		return http_get_fail(reply, "no_keys",
		    "no JWK set, or no key in it that could be used");
	*n = jwk_set_count(set);
	jwk_set_free(set);
	return ERR_OK;
}

static enum err
take_set(const struct jwks_refresh *k, struct http_reply *reply, int64_t now,
    struct issuer_keys *row)
{
	char *jwks = strdup(reply->body.data);

	if (jwks == NULL)
		return http_get_fail(reply, "broken", "out of memory");
	free(row->jwks);
	row->jwks = jwks;
	row->fetched_at = now;
	row->fresh_until = now + fresh_for(k, reply->fresh);
	row->failures = 0;
	row->error[0] = '\0';
	return ERR_OK;
}

static void
note_failure(
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

/* Fetch, and have in ${row} what came of it; not if we were told to stop. */
static bool
try_fetch(const struct jwks_refresh *k, const struct issuer *issuer,
    int64_t now, struct issuer_keys *row)
{
	struct http_reply reply;
	char name[LOG_QUOTED_SIZE];
	size_t keys = 0;
	enum err err;

	err = discovery_fetch(k->http_client, issuer, k->stop, &reply);
	if (err == ERR_OK)
		err = check_keys(issuer, &reply, &keys);
	if (err == ERR_OK)
		err = take_set(k, &reply, now, row);
	if (err == ERR_OK) {
		counters_add(k->shm, COUNTERS_JWKS_FETCHED, 1);
		log_event(LOG_LEVEL_INFO, "issuer_fetched",
		    "issuer=%s keys=%zu fresh=%lld",
		    log_quote(name, row->issuer), keys,
		    (long long)(row->fresh_until - now));
	} else if (k->stop == NULL || !atomic_load(k->stop)) {
		note_failure(k->shm, &reply, row);
	}
	http_get_reply_clear(&reply);
	return err == ERR_OK || k->stop == NULL || !atomic_load(k->stop);
}

static enum err
fetch_one(const struct jwks_refresh *k, const struct issuer *issuer,
    int64_t now, struct issuer_keys *row)
{
	struct store_actor actor = acting(now);
	enum err err;

	/* First, or who is killed while he asks would ask again at once. */
	row->tried_at = now;
	if ((err = store_issuer_put(k->store, &actor, row)) != ERR_OK)
		return err;
	TESTPOINT("keeper:claimed");
	if (!try_fetch(k, issuer, now, row))
		return ERR_OK;
	TESTPOINT("keeper:fetched");
	return store_issuer_put(k->store, &actor, row);
}

/* ---- one step ---- */

static enum err
remove_others(const struct jwks_refresh *k, int64_t now, struct rows *rows)
{
	struct store_actor actor = acting(now);
	char name[LOG_QUOTED_SIZE];
	size_t i = 0;
	enum err err;

	while (i < rows->count) {
		struct issuer_keys *row = &rows->list[i];

		if (issuers_config_find(k->issuers, row->issuer) != NULL) {
			i++;
			continue;
		}
		err = store_issuer_remove(k->store, &actor, row->issuer);
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

/* Rows for those that have none; there is room for all that are configured. */
static enum err
add_missing(const struct jwks_refresh *k, struct rows *rows)
{
	for (size_t i = 0; i < k->issuers->count; i++) {
		const char *name = k->issuers->list[i].name;
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

/* The one that is due first; NULL if there are none. */
static struct issuer_keys *
first_due(const struct jwks_refresh *k, struct rows *rows, int64_t *at_out)
{
	struct issuer_keys *first = NULL;
	int64_t at;

	for (size_t i = 0; i < rows->count; i++) {
		at = due_at(k, &rows->list[i]);
		if (first != NULL && at >= *at_out)
			continue;
		first = &rows->list[i];
		*at_out = at;
	}
	return first;
}

enum err
jwks_refresh_step(const struct jwks_refresh *k, int64_t now, int64_t *next_out)
{
	struct rows rows = { 0 };
	struct issuer_keys *row;
	int64_t next = now + JWKS_REFRESH_FLOOR_SECONDS;
	enum err err;

	err = store_issuers(k->store, rows.list, &rows.count);
	if (err == ERR_OK)
		err = remove_others(k, now, &rows);
	if (err == ERR_OK)
		err = add_missing(k, &rows);
	if (err != ERR_OK)
		goto out;
	row = first_due(k, &rows, &next);
	if (row != NULL && next <= now) {
		err = fetch_one(
		    k, issuers_config_find(k->issuers, row->issuer), now, row);
		if (err == ERR_OK)
			(void)first_due(k, &rows, &next);
	}
	TESTPOINT("keeper:stepped");
out:
	*next_out = err == ERR_OK ? next : now + JWKS_REFRESH_RETRY_SECONDS;
	clear_rows(&rows);
	return err;
}
