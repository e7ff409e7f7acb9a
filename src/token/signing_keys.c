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
#include "shm/generation.h"
#include "store/store.h"
#include "token/jws.h"
#include "token/keypair.h"
#include "token/master_secret.h"

/*
 * Of those who start at once, one makes the first key; see start().  And on a
 * busy machine the lock for that may not be had in the time of one change.
 */
#define START_TRIES 8
#define SETTLE_TRIES 50 /* of a millisecond; a change takes a few */

/* ---- reading ---- */

static void
clear_list(struct signing_key *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		signing_keys_row_clear(&list[i]);
}

/*
 * A key never changes, so one that is known is not opened again: that would
 * cost a hundred times what asking the store does.
 */
static enum err
take(struct signing_keys *k, const struct signing_key_row *row,
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

/* Said once, not with every token. */
static enum err
refuse(struct signing_keys *k, const char *why)
{
	if (!k->told)
		log_event(
		    LOG_LEVEL_ERROR, "keys_refused", "reason=\"%s\"", why);
	k->told = true;
	return ERR_INVALID;
}

static enum err
take_all(struct signing_keys *k, const struct signing_key_row *rows, size_t n)
{
	struct signing_key list[SIGNING_KEYS_MAX] = { 0 };
	enum err err = ERR_OK;
	size_t count;

	for (count = 0; count < n; count++) {
		err = take(k, &rows[count], &list[count]);
		if (err != ERR_OK)
			break;
	}
	clear_list(k->list, k->count);
	memcpy(k->list, list, count * sizeof(*list));
	k->count = count;
	if (err == ERR_INVALID)
		refuse(k, "sealed under another master secret");
	else
		k->told = false;
	return err;
}

/*
 * Where there are keys there was a secret.  Whoever found none may have looked
 * just before somebody else made both.
 */
static enum err
find_master(struct signing_keys *k)
{
	struct master_secret *m = k->options.master;
	char path[sizeof(m->path)];
	enum err err;

	if (m->len > 0)
		return ERR_OK;
	memcpy(path, m->path, sizeof(path));
	err = master_secret_load(NULL, path, m);
	return err == ERR_NOT_FOUND ? refuse(k, "their master secret is gone")
				    : err;
}

/* The generation first, as always: see cache/cache.c. */
static enum err
reload(struct signing_keys *k)
{
	struct signing_key_row *rows = calloc(SIGNING_KEYS_MAX, sizeof(*rows));
	uint64_t generation;
	enum err err = ERR_INTERNAL;
	size_t n = 0;

	k->generation = 1;
	if (rows == NULL)
		goto out;
	generation = generation_read(k->options.shm, SIGNING_KEYS_KEY);
	TESTPOINT("keys:generation");
	err = store_keys(k->options.store, rows, &n);
	if (err == ERR_OK && n > 0)
		err = find_master(k);
	if (err == ERR_OK)
		err = take_all(k, rows, n);
	if (err == ERR_OK)
		k->generation = generation;
out:
	free(rows); /* sealed: nothing to be wiped */
	return err;
}

enum err
signing_keys_refresh(struct signing_keys *k)
{
	enum err err;

	if (k->options.store == NULL)
		return ERR_OK;
	if (generation_quiet(k->generation) &&
	    generation_read(k->options.shm, SIGNING_KEYS_KEY) == k->generation)
		return ERR_OK;
	err = reload(k);
	return err == ERR_INVALID ? ERR_UNAVAILABLE : err;
}

/* ---- what they are for ---- */

enum signing_keys_state
signing_keys_state(const struct signing_keys *k, size_t i, int64_t now)
{
	const struct signing_key *key = &k->list[i];

	if (key->signs_at > now)
		return SIGNING_KEYS_NEXT;
	if (i + 1 == k->count || k->list[i + 1].signs_at > now)
		return SIGNING_KEYS_SIGNS;
	/* The one after it took over, and it signed nothing since. */
	return k->list[i + 1].signs_at + key->lifetime +
		    SIGNING_KEYS_GRACE_SECONDS >
		now
	    ? SIGNING_KEYS_VERIFIES
	    : SIGNING_KEYS_OVER;
}

/*
 * Where the clock of the one who made the first key is ahead of ours, none
 * signs yet by our time; there is no other.
 */
const struct signing_key *
signing_keys_current(const struct signing_keys *k, int64_t now)
{
	for (size_t i = k->count; i-- > 0;)
		if (k->list[i].signs_at <= now)
			return &k->list[i];
	return k->count > 0 ? &k->list[0] : NULL;
}

/*
 * May a header name one of the keys?  To read it takes longer than all else
 * that is done with another issuer's token that is known.
 */
static bool
may_name(const struct signing_keys *k, const unsigned char *header, size_t len)
{
	bool may = memchr(header, '\\', len) != NULL;

	for (size_t i = 0; !may && i < k->count; i++)
		may = memmem(header, len, k->list[i].kid,
			  strlen(k->list[i].kid)) != NULL;
	return may;
}

/* The kid of a header that is spelled otherwise than ours. */
static const struct signing_key *
by_name(const struct signing_keys *k, const char *text)
{
	unsigned char header[JWS_ROOM(JWS_OURS_MAX)];
	struct json_value *doc = NULL;
	const struct signing_key *key = NULL;
	const char *kid = NULL;
	size_t len;

	if (jws_header(text, header, sizeof(header), &len) == ERR_OK &&
	    may_name(k, header, len) &&
	    json_value_parse((const char *)header, len, &doc) == ERR_OK)
		kid = json_value_string(json_value_member(doc, "kid"));
	for (size_t i = 0; kid != NULL && i < k->count; i++)
		if (strcmp(k->list[i].kid, kid) == 0)
			key = &k->list[i];
	json_value_free(doc);
	return key;
}

const struct signing_key *
signing_keys_of(const struct signing_keys *k, const char *text, int64_t now)
{
	const struct signing_key *key = NULL;

	for (size_t i = 0; i < k->count && key == NULL; i++) {
		const struct buf *header = &k->list[i].header;

		if (strncmp(text, header->data, header->len) == 0 &&
		    text[header->len] == '.')
			key = &k->list[i];
	}
	if (key == NULL)
		key = by_name(k, text);
	if (key == NULL ||
	    signing_keys_state(k, (size_t)(key - k->list), now) ==
		SIGNING_KEYS_OVER)
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
		    signing_keys_state(k, i, now) == SIGNING_KEYS_OVER)
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

/* What is missing for us to sign with; ERR_CONFLICT: somebody was faster. */
static enum err
start(struct signing_keys *k, int64_t now)
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
 * Of those who start at once, one may be changing the keys while we read them:
 * then what we have does not count, and our first request would read again.
 */
static enum err
settle(struct signing_keys *k)
{
	static const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	enum err err = ERR_OK;

	for (int i = 0; err == ERR_OK && i < SETTLE_TRIES &&
	     !generation_quiet(k->generation);
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
	k->generation = 1;
	for (int i = 0;
	     i < START_TRIES && (err == ERR_CONFLICT || err == ERR_UNAVAILABLE);
	     i++) {
		err = reload(k);
		if (err == ERR_OK)
			err = start(k, now);
	}
	if (err == ERR_OK) {
		err = signing_keys_maintain(k, now);
		/* What it could not do now it does in a second. */
		if (err == ERR_UNAVAILABLE)
			err = ERR_OK;
	}
	if (err == ERR_OK)
		err = settle(k);
	return err == ERR_CONFLICT ? ERR_UNAVAILABLE : err;
}

void
signing_keys_close(struct signing_keys *k)
{
	clear_list(k->list, k->count);
	memset(k, 0, sizeof(*k));
}
