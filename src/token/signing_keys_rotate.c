/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/testpoint.h"
#include "store/store.h"
#include "token/master_secret.h"
#include "token/signing_keys.h"

/* How often one goes on while others change the keys, too. */
#define CHANGE_TRIES 8

static const char *
newest_kid(const struct signing_keys *k)
{
	return k->count > 0 ? k->list[k->count - 1].kid : "";
}

static enum err
edit(const struct signing_keys_options *o, int64_t now,
    const struct store_keys_edit *change)
{
	const struct store_actor nobody = { .address = "", .now = now };

	return store_keys_edit(o->store, &nobody, change);
}

static void
set_times(const struct signing_keys_options *o, int64_t now, int64_t signs_at,
    struct signing_key_row *row)
{
	row->created_at = now;
	row->signs_at = signs_at;
	row->lifetime = o->lifetime;
}

static void
log_new(const struct signing_key_row *row, const char *why)
{
	log_event(LOG_LEVEL_INFO, "key_made",
	    "kid=%s alg=%s signs_at=%lld why=%s", row->kid, row->alg,
	    (long long)row->signs_at, why);
}

/* ---- at the start ---- */

/*
 * Tokens from before there were keys in the store were signed with the key
 * that the master secret gives.  Where that is not what is wanted it has been
 * succeeded already; nobody can have read the set that has no public key in
 * it, so the other need not be published first.
 */
enum err
signing_keys_first(struct signing_keys *k, int64_t now)
{
	const struct signing_keys_options *o = &k->options;
	struct signing_key_row rows[2];
	const struct store_keys_edit change = { .newest = "",
		.put = rows,
		.puts = o->alg == SIGNING_KEYS_HS256 ? 1 : 2 };
	enum err err;

	err = signing_keys_row_first(o->master, &rows[0]);
	if (err == ERR_OK && change.puts == 2)
		err = signing_keys_row_make(o->alg, o->master, &rows[1]);
	if (err != ERR_OK)
		return err;
	set_times(o, now, change.puts == 2 ? now - 1 : now, &rows[0]);
	set_times(o, now, now, &rows[1]);
	TESTPOINT("keys:first");
	err = edit(o, now, &change);
	if (err == ERR_OK)
		log_new(&rows[change.puts - 1], "first");
	return err;
}

/* What a row needs to have its lifetime raised, and no more. */
static enum err
longer(const struct signing_key *key, int64_t lifetime,
    struct signing_key_row *row)
{
	memset(row, 0, sizeof(*row));
	memcpy(row->kid, key->kid, sizeof(row->kid));
	row->lifetime = lifetime;
	return str_copy(
	    row->alg, sizeof(row->alg), signing_keys_alg_name(key->alg));
}

enum err
signing_keys_extend_lifetime(struct signing_keys *k, int64_t now)
{
	const struct signing_keys_options *o = &k->options;
	struct signing_key_row rows[SIGNING_KEYS_MAX];
	struct store_keys_edit change = { .newest = newest_kid(k),
		.put = rows };
	enum err err = ERR_OK;

	for (size_t i = 0; err == ERR_OK && i < k->count; i++) {
		enum signing_keys_state state = signing_keys_state(k, i, now);

		if ((state == SIGNING_KEYS_NEXT ||
			state == SIGNING_KEYS_SIGNS) &&
		    k->list[i].lifetime < o->lifetime)
			err = longer(
			    &k->list[i], o->lifetime, &rows[change.puts++]);
	}
	return err == ERR_OK && change.puts > 0 ? edit(o, now, &change) : err;
}

/* ---- rotation ---- */

static bool
is_on_its_way(const struct signing_keys *k, int64_t now)
{
	return k->count > 0 && k->list[k->count - 1].signs_at > now;
}

/*
 * The new key is made before anything is locked: that may take a second.  If
 * somebody else was quicker, theirs will do.
 */
static enum err
rotate(struct signing_keys *k, int64_t now, const char *why,
    char kid_out[SIGNING_KEY_KID_SIZE])
{
	const struct signing_keys_options *o = &k->options;
	struct store_keys_edit change = { .puts = 1 };
	struct signing_key_row row;
	enum err err;

	kid_out[0] = '\0';
	if ((err = signing_keys_refresh(k)) != ERR_OK)
		return err;
	if (is_on_its_way(k, now))
		return ERR_CONFLICT;
	err = signing_keys_row_make(o->alg, o->master, &row);
	if (err != ERR_OK)
		return err;
	set_times(o, now, now + o->publish, &row);
	change.put = &row;
	TESTPOINT("keys:rotate");
	for (int i = 0; i < CHANGE_TRIES; i++) {
		change.newest = newest_kid(k);
		err = edit(o, now, &change);
		if (err != ERR_CONFLICT)
			break;
		if ((err = signing_keys_refresh(k)) != ERR_OK)
			return err;
		if (is_on_its_way(k, now))
			return ERR_CONFLICT;
		err = ERR_UNAVAILABLE;
	}
	if (err != ERR_OK)
		return err;
	log_new(&row, why);
	memcpy(kid_out, row.kid, sizeof(row.kid));
	return signing_keys_refresh(k);
}

enum err
signing_keys_rotate(
    struct signing_keys *k, int64_t now, char kid_out[SIGNING_KEY_KID_SIZE])
{
	return rotate(k, now, "asked", kid_out);
}

enum err
signing_keys_replace(const struct signing_keys_options *o, int64_t now,
    char kid_out[SIGNING_KEY_KID_SIZE])
{
	struct store_keys_edit change = { .alone = true, .puts = 1 };
	struct signing_key_row row;
	enum err err = ERR_OK;

	kid_out[0] = '\0';
	if (o->master->len == 0)
		err = master_secret_make(o->master);
	if (err == ERR_OK)
		err = signing_keys_row_make(o->alg, o->master, &row);
	if (err != ERR_OK)
		return err;
	set_times(o, now, now, &row);
	change.put = &row;
	if ((err = edit(o, now, &change)) != ERR_OK)
		return err;
	log_new(&row, "replaced");
	memcpy(kid_out, row.kid, sizeof(row.kid));
	return ERR_OK;
}

/* ---- upkeep ---- */

static enum err
remove_over(struct signing_keys *k, int64_t now)
{
	struct store_keys_edit change = { .newest = newest_kid(k) };
	enum err err;

	for (size_t i = 0; i < k->count; i++) {
		if (signing_keys_state(k, i, now) != SIGNING_KEYS_OVER)
			continue;
		memcpy(change.remove[change.removes++], k->list[i].kid,
		    SIGNING_KEY_KID_SIZE);
	}
	if (change.removes == 0)
		return ERR_OK;
	err = edit(&k->options, now, &change);
	/* Somebody else changed them: there is another time. */
	if (err == ERR_CONFLICT)
		return signing_keys_refresh(k);
	for (size_t i = 0; err == ERR_OK && i < change.removes; i++)
		log_event(
		    LOG_LEVEL_INFO, "key_removed", "kid=%s", change.remove[i]);
	return err == ERR_OK ? signing_keys_refresh(k) : err;
}

/*
 * What is wanted other than what there is.  Another algorithm is wanted once
 * and not again: of two pools that differ, neither may undo what the other
 * does for ever.
 */
static const char *
wanted(struct signing_keys *k, int64_t now)
{
	const struct signing_keys_options *o = &k->options;
	const struct signing_key *newest = &k->list[k->count - 1];

	if (newest->alg == o->alg)
		k->settled = true;
	if (!k->settled)
		return "algorithm";
	if (o->max_age > 0 && now - newest->signs_at >= o->max_age - o->publish)
		return "age";
	return NULL;
}

enum err
signing_keys_maintain(struct signing_keys *k, int64_t now)
{
	char kid[SIGNING_KEY_KID_SIZE];
	const char *why;
	enum err err;

	if ((err = signing_keys_refresh(k)) != ERR_OK)
		return err;
	if ((err = remove_over(k, now)) != ERR_OK || k->count == 0)
		return err;
	if ((why = wanted(k, now)) == NULL)
		return ERR_OK;
	err = rotate(k, now, why, kid);
	return err == ERR_CONFLICT ? ERR_OK : err;
}
