/* SPDX-License-Identifier: ISC */
#include "token/signing_keys.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/testpoint.h"
#include "coherence/coherence.h"
#include "store/store.h"
#include "token/jws.h"
#include "token/keypair.h"
#include "token/master_secret.h"

/*
 * Of processes that start together one creates the first key; the others get
 * ERR_CONFLICT, or on a busy machine ERR_UNAVAILABLE from the write lock.
 */
#define START_TRIES 8
#define SETTLE_TRIES 50 /* 1 ms each; a change takes a few ms */

/* ---- reading ---- */

static void
clear_list(struct signing_key *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		signing_keys_row_clear(&list[i]);
}

/*
 * Move a key that is in memory already, since only its lifetime can change:
 * opening costs a hundred times as much as reading the row.
 */
static enum err
read_key(struct signing_keys *k, const struct signing_key_row *row,
    struct signing_key *key_out)
{
	for (size_t i = 0; i < k->count; i++) {
		struct signing_key *known = &k->list[i];

		if (known->header.len == 0 || strcmp(known->kid, row->kid) != 0)
			continue;
		*key_out = *known;
		key_out->created_at = row->created_at;
		key_out->signs_at = row->signs_at;
		key_out->lifetime = row->lifetime;
		memset(known, 0, sizeof(*known));
		return ERR_OK;
	}
	return signing_keys_row_open(row, k->options.master, key_out);
}

/* Logged once, not with every token. */
static enum err
log_refusal(struct signing_keys *k, const char *why)
{
	if (!k->refusal_logged)
		log_event(
		    LOG_LEVEL_ERROR, "keys_refused", "reason=\"%s\"", why);
	k->refusal_logged = true;
	return ERR_INVALID;
}

static enum err
read_all(struct signing_keys *k, const struct signing_key_row *rows, size_t n)
{
	struct signing_key list[SIGNING_KEYS_MAX] = { 0 };
	enum err err = ERR_OK;
	size_t count;

	for (count = 0; count < n; count++) {
		err = read_key(k, &rows[count], &list[count]);
		if (err != ERR_OK)
			break;
	}
	clear_list(k->list, k->count);
	memcpy(k->list, list, count * sizeof(*list));
	k->count = count;
	if (err == ERR_INVALID)
		log_refusal(k, "sealed under another master secret");
	else
		k->refusal_logged = false;
	return err;
}

/*
 * Keys in the store are sealed, so a secret must exist; another process may
 * have created both since this one found no file.
 */
static enum err
load_master(struct signing_keys *k)
{
	struct master_secret *m = k->options.master;
	char path[sizeof(m->path)];
	enum err err;

	if (m->len > 0)
		return ERR_OK;
	memcpy(path, m->path, sizeof(path));
	err = master_secret_load(NULL, path, m);
	return err == ERR_NOT_FOUND
	    ? log_refusal(k, "the master secret is missing")
	    : err;
}

/* Reads the version first: see cache/cache.c. */
static enum err
read_store(struct signing_keys *k)
{
	struct signing_key_row *rows = calloc(SIGNING_KEYS_MAX, sizeof(*rows));
	uint64_t version;
	enum err err = ERR_INTERNAL;
	size_t n = 0;

	k->version = COHERENCE_UNKNOWN;
	if (rows == NULL)
		goto out;
	version =
	    coherence_read(store_coherence(k->options.store), SIGNING_KEYS_KEY);
	TESTPOINT("keys:generation");
	err = store_keys(k->options.store, rows, &n);
	if (err == ERR_OK && n > 0)
		err = load_master(k);
	if (err == ERR_OK)
		err = read_all(k, rows, n);
	if (err == ERR_OK)
		k->version = version;
out:
	free(rows); /* sealed, so not wiped */
	return err;
}

enum err
signing_keys_refresh(struct signing_keys *k)
{
	enum err err;

	if (k->options.store == NULL) /* tests and fuzzers */
		return ERR_OK;
	if (coherence_current(store_coherence(k->options.store),
		SIGNING_KEYS_KEY, k->version))
		return ERR_OK;
	err = read_store(k);
	return err == ERR_INVALID ? ERR_UNAVAILABLE : err;
}

/* ---- finding a key ---- */

enum signing_keys_state
signing_keys_state(const struct signing_keys *k, size_t i, int64_t now)
{
	const struct signing_key *key = &k->list[i];

	if (key->signs_at > now)
		return SIGNING_KEYS_NEXT;
	if (i + 1 == k->count || k->list[i + 1].signs_at > now)
		return SIGNING_KEYS_ACTIVE;
	/* It signed its last token when the next key took over. */
	return k->list[i + 1].signs_at + key->lifetime +
		    SIGNING_KEYS_GRACE_SECONDS >
		now
	    ? SIGNING_KEYS_VERIFIES
	    : SIGNING_KEYS_RETIRED;
}

/*
 * If the first key was created by a host whose clock is ahead, none signs yet
 * by our clock; use it anyway.
 */
const struct signing_key *
signing_keys_active(const struct signing_keys *k, int64_t now)
{
	for (size_t i = k->count; i-- > 0;)
		if (k->list[i].signs_at <= now)
			return &k->list[i];
	return k->count > 0 ? &k->list[0] : NULL;
}

/*
 * Could ${header} name one of the keys?  Parsing it takes longer than
 * everything else that is done with a cached token of another issuer.
 */
static bool
may_name_key(
    const struct signing_keys *k, const unsigned char *header, size_t len)
{
	bool found = memchr(header, '\\', len) != NULL;

	for (size_t i = 0; !found && i < k->count; i++)
		found = memmem(header, len, k->list[i].kid,
			    strlen(k->list[i].kid)) != NULL;
	return found;
}

/* Find by the kid of a header that is not spelled like ours. */
static const struct signing_key *
find_by_kid(const struct signing_keys *k, const char *text)
{
	unsigned char header[JWS_DECODED_MAX(JWS_OURS_MAX)];
	struct json_value *doc = NULL;
	const struct signing_key *key = NULL;
	const char *kid = NULL;
	size_t len;

	if (jws_header(text, header, sizeof(header), &len) == ERR_OK &&
	    may_name_key(k, header, len) &&
	    json_value_parse((const char *)header, len, &doc) == ERR_OK)
		kid = json_value_string(json_value_member(doc, "kid"));
	for (size_t i = 0; kid != NULL && i < k->count; i++)
		if (strcmp(k->list[i].kid, kid) == 0)
			key = &k->list[i];
	json_value_free(doc);
	return key;
}

const struct signing_key *
signing_keys_find(const struct signing_keys *k, const char *text, int64_t now)
{
	const struct signing_key *key = NULL;

	for (size_t i = 0; i < k->count && key == NULL; i++) {
		const struct buf *header = &k->list[i].header;

		if (strncmp(text, header->data, header->len) == 0 &&
		    text[header->len] == '.')
			key = &k->list[i];
	}
	if (key == NULL)
		key = find_by_kid(k, text);
	if (key == NULL ||
	    signing_keys_state(k, (size_t)(key - k->list), now) ==
		SIGNING_KEYS_RETIRED)
		return NULL;
	return key;
}

enum err
signing_keys_jwks(
    const struct signing_keys *k, int64_t now, struct json_writer *w)
{
	enum err err = ERR_OK;

	json_write_array(w, "keys");
	for (size_t i = 0; err == ERR_OK && i < k->count; i++) {
		const struct signing_key *key = &k->list[i];

		if (key->pair == NULL ||
		    signing_keys_state(k, i, now) == SIGNING_KEYS_RETIRED)
			continue;
		json_write_object(w, NULL);
		json_write_string(w, "kid", key->kid);
		json_write_string(w, "use", "sig");
		json_write_string(w, "alg", signing_keys_alg_name(key->alg));
		err = keypair_jwk(key->pair, w);
		json_write_close(w);
	}
	json_write_close(w);
	return err;
}

/* ---- opening ---- */

/* Create what is missing; ERR_CONFLICT: another process was faster. */
static enum err
create_missing(struct signing_keys *k, int64_t now)
{
	const struct signing_keys_options *o = &k->options;
	enum err err;

	if (k->count == 0 && o->master->len == 0 &&
	    (err = master_secret_make(o->master)) != ERR_OK)
		return err;
	if (k->count == 0)
		return signing_keys_first(k, now);
	return signing_keys_extend_lifetime(k, now);
}

/*
 * Another process that starts may be changing the keys while we read them. Wait
 * for it, so that the first request need not read again.
 */
static enum err
await_quiet(struct signing_keys *k)
{
	static const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	enum err err = ERR_OK;

	for (int i = 0;
	     err == ERR_OK && i < SETTLE_TRIES && !coherence_known(k->version);
	     i++) {
		(void)nanosleep(&pause, NULL);
		err = signing_keys_refresh(k);
	}
	return err;
}

enum err
signing_keys_open(const struct signing_keys_options *options, int64_t now,
    struct signing_keys *keys_out)
{
	struct signing_keys *k = keys_out;
	enum err err = ERR_CONFLICT;

	memset(k, 0, sizeof(*k));
	k->options = *options;
	k->version = COHERENCE_UNKNOWN;
	for (int i = 0;
	     i < START_TRIES && (err == ERR_CONFLICT || err == ERR_UNAVAILABLE);
	     i++) {
		err = read_store(k);
		if (err == ERR_OK)
			err = create_missing(k, now);
	}
	if (err == ERR_OK) {
		err = signing_keys_maintain(k, now);
		/* Maintenance is repeated every second. */
		if (err == ERR_UNAVAILABLE)
			err = ERR_OK;
	}
	if (err == ERR_OK)
		err = await_quiet(k);
	return err == ERR_CONFLICT ? ERR_UNAVAILABLE : err;
}

void
signing_keys_close(struct signing_keys *k)
{
	clear_list(k->list, k->count);
	memset(k, 0, sizeof(*k));
}
