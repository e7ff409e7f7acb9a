/* SPDX-License-Identifier: ISC */
#include "issuers/issuers.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/str.h"
#include "base/testpoint.h"
#include "coherence/coherence.h"
#include "shm/jwks_refresh_request.h"
#include "store/store.h"
#include "token/jwk.h"
#include "token/jws.h"

/* The copy in memory of an issuer's row. */
struct issuers_row {
	struct jwk_set *set;
	char digest[ISSUERS_DIGEST_SIZE]; /* of the JWKS; "": none */
	char error[ISSUER_ERROR_SIZE];
	int64_t fetched_at;
	int64_t fresh_until;
	int64_t tried_at;
	int64_t failures;
};

struct issuers {
	const struct issuers_config *config;
	struct store *store;
	struct shm *shm;
	struct issuers_row rows[ISSUERS_MAX]; /* same index as config */
	uint64_t version;       /* of ISSUERS_KEY; unknown: must be read */
	int64_t revision_until; /* then a set expires */
	char revision[ISSUERS_DIGEST_SIZE]; /* of the config and valid sets */
};

enum err
issuers_new(const struct issuers_config *config, struct store *st,
    struct shm *m, struct issuers **issuers_out)
{
	struct issuers *is = calloc(1, sizeof(*is));

	*issuers_out = is;
	if (is == NULL)
		return ERR_INTERNAL;
	is->config = config;
	is->store = st;
	is->shm = m;
	is->version = COHERENCE_UNKNOWN;
	return ERR_OK;
}

void
issuers_free(struct issuers *is)
{
	if (is == NULL)
		return;
	for (size_t i = 0; i < ISSUERS_MAX; i++)
		jwk_set_free(is->rows[i].set);
	free(is);
}

/* ---- reading the store ---- */

/* Parse ${jwks} unless it is unchanged. */
static enum err
read_set(struct issuers_row *row, const char *jwks, unsigned algorithms)
{
	char hex[ISSUERS_DIGEST_SIZE] = "";
	unsigned char digest[DIGEST_BYTES];
	enum err err;

	if (jwks != NULL) {
		digest_texts(digest, &jwks, 1);
		str_hex(hex, digest, sizeof(digest));
	}
	if (strcmp(row->digest, hex) == 0)
		return ERR_OK;
	jwk_set_free(row->set);
	row->set = NULL;
	row->digest[0] = '\0';
	if (jwks == NULL)
		return ERR_OK;
	err = jwk_set_parse(jwks, strlen(jwks), algorithms, &row->set);
	if (err == ERR_INTERNAL)
		return err;
	/* Without a usable key: the block allowed other algorithms before. */
	memcpy(row->digest, hex, sizeof(hex));
	return ERR_OK;
}

/* ${keys} is NULL if the store has no row. */
static enum err
read_row(struct issuers_row *row, const struct issuer_keys *keys,
    unsigned algorithms)
{
	static const struct issuer_keys none;

	if (keys == NULL)
		keys = &none;
	row->fetched_at = keys->fetched_at;
	row->fresh_until = keys->fresh_until;
	row->tried_at = keys->tried_at;
	row->failures = keys->failures;
	memcpy(row->error, keys->error, sizeof(row->error));
	return read_set(row, keys->jwks, algorithms);
}

static const struct issuer_keys *
find_row(const struct issuer_keys *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].issuer, name) == 0)
			return &rows[i];
	return NULL;
}

static bool
is_valid(const struct issuers_row *row, int64_t now)
{
	return row->set != NULL && now < row->fetched_at + ISSUERS_HARD_AGE;
}

/* Digest everything but the token that a verification depends on. */
static void
update_revision(struct issuers *is, int64_t now)
{
	const char *texts[1 + ISSUERS_MAX] = { is->config->digest };
	unsigned char digest[DIGEST_BYTES];

	is->revision_until = INT64_MAX;
	for (size_t i = 0; i < is->config->count; i++) {
		const struct issuers_row *row = &is->rows[i];
		int64_t until = row->fetched_at + ISSUERS_HARD_AGE;

		texts[1 + i] = is_valid(row, now) ? row->digest : "";
		if (is_valid(row, now) && until < is->revision_until)
			is->revision_until = until;
	}
	digest_texts(digest, texts, 1 + is->config->count);
	str_hex(is->revision, digest, sizeof(digest));
}

/* Reads the version first: see cache/cache.c. */
static enum err
read_store(struct issuers *is, int64_t now)
{
	struct issuer_keys rows[ISSUERS_MAX];
	uint64_t version;
	size_t n = 0;
	enum err err;

	is->version = COHERENCE_UNKNOWN;
	version = coherence_read(store_coherence(is->store), ISSUERS_KEY);
	TESTPOINT("issuers:generation");
	err = store_issuers(is->store, rows, &n);
	for (size_t i = 0; err == ERR_OK && i < is->config->count; i++) {
		const struct issuer *issuer = &is->config->list[i];

		err = read_row(&is->rows[i], find_row(rows, n, issuer->name),
		    issuer->algorithms);
	}
	for (size_t i = 0; i < n; i++)
		issuer_keys_clear(&rows[i]);
	if (err != ERR_OK)
		return err;
	update_revision(is, now);
	is->version = version;
	return ERR_OK;
}

enum err
issuers_refresh(struct issuers *is, int64_t now)
{
	if (!coherence_current(
		store_coherence(is->store), ISSUERS_KEY, is->version))
		return read_store(is, now);
	if (now >= is->revision_until)
		update_revision(is, now);
	return ERR_OK;
}

enum err
issuers_digest(struct issuers *is, const char *text, int64_t now,
    unsigned char digest_out[TOKEN_DIGEST_BYTES])
{
	const char *const texts[] = { "external", is->revision, text };
	enum err err;

	if (strnlen(text, JWS_EXTERNAL_MAX + 1) > JWS_EXTERNAL_MAX)
		return ERR_DENIED;
	err = issuers_refresh(is, now);
	if (err == ERR_OK)
		digest_texts(digest_out, texts, NELEMS(texts));
	return err;
}

/* ---- lookups ---- */

const struct issuer *
issuers_block(const struct issuers *is, const char *name)
{
	return issuers_config_find(is->config, name);
}

enum err
issuers_keys(const struct issuers *is, const struct issuer *issuer, int64_t now,
    const struct jwk_set **set_out)
{
	const struct issuers_row *row = &is->rows[issuer - is->config->list];

	*set_out = is_valid(row, now) ? row->set : NULL;
	return *set_out != NULL ? ERR_OK : ERR_UNAVAILABLE;
}

void
issuers_request_fetch(
    const struct issuers *is, const struct issuer *issuer, int64_t now)
{
	jwks_refresh_request_issuer(is->shm, issuer->name, now);
}

const char *
issuers_freshness_name(enum issuers_freshness freshness)
{
	static const char *const names[] = {
		[ISSUERS_NONE] = "none",
		[ISSUERS_FRESH] = "fresh",
		[ISSUERS_STALE] = "stale",
		[ISSUERS_EXPIRED] = "expired",
	};

	return names[freshness];
}

size_t
issuers_count(const struct issuers *is)
{
	return is != NULL ? is->config->count : 0;
}

void
issuers_state(const struct issuers *is, size_t i, int64_t now,
    struct issuers_state *state_out)
{
	const struct issuers_row *row = &is->rows[i];
	struct issuers_state *state = state_out;

	*state = (struct issuers_state){
		.issuer = is->config->list[i].name,
		.keys = jwk_set_count(row->set),
		.fetched_at = row->fetched_at,
		.fresh_until = row->fresh_until,
		.tried_at = row->tried_at,
		.failures = row->failures,
	};
	memcpy(state->error, row->error, sizeof(state->error));
	if (row->set == NULL)
		state->freshness = ISSUERS_NONE;
	else if (!is_valid(row, now))
		state->freshness = ISSUERS_EXPIRED;
	else
		state->freshness =
		    now < row->fresh_until ? ISSUERS_FRESH : ISSUERS_STALE;
}
