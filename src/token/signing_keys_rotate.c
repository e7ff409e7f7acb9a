/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/testpoint.h"
#include "store/store.h"
#include "token/master_secret.h"
#include "token/signing_keys.h"

/* Attempts while other processes change the keys, too. */
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
	const struct store_actor system = { .address = "", .now = now };

	return store_keys_edit(o->store, &system, change);
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

/* ---- first start ---- */

/*
 * Tokens of versions without keys in the store were signed with the key derived
 * from the master secret, so that is the first row.  With another algorithm a
 * second key takes over at once: the first has no public part, so no verifier
 * can have cached a set that lacks the second.
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

/* A row that raises the lifetime of ${key} and nothing else. */
static enum err
make_lifetime_row(const struct signing_key *key, int64_t lifetime,
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
			state == SIGNING_KEYS_ACTIVE) &&
		    k->list[i].lifetime < o->lifetime)
			err = make_lifetime_row(
			    &k->list[i], o->lifetime, &rows[change.puts++]);
	}
	return err == ERR_OK && change.puts > 0 ? edit(o, now, &change) : err;
}

/* ---- rotation ---- */

static bool
is_next_waiting(const struct signing_keys *k, int64_t now)
{
	return k->count > 0 && k->list[k->count - 1].signs_at > now;
}

/*
 * Create the key before anything is locked: it may take a second.  If another
 * process was faster, its key is used.
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
	if (is_next_waiting(k, now))
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
		if (is_next_waiting(k, now))
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

/* ---- maintenance ---- */

static enum err
delete_retired(struct signing_keys *k, int64_t now)
{
	struct store_keys_edit change = { .newest = newest_kid(k) };
	enum err err;

	for (size_t i = 0; i < k->count; i++) {
		if (signing_keys_state(k, i, now) != SIGNING_KEYS_RETIRED)
			continue;
		memcpy(change.remove[change.removes++], k->list[i].kid,
		    SIGNING_KEY_KID_SIZE);
	}
	if (change.removes == 0)
		return ERR_OK;
	err = edit(&k->options, now, &change);
	/* Another process changed them; retried at the next maintenance. */
	if (err == ERR_CONFLICT)
		return signing_keys_refresh(k);
	for (size_t i = 0; err == ERR_OK && i < change.removes; i++)
		log_event(
		    LOG_LEVEL_INFO, "key_removed", "kid=%s", change.remove[i]);
	return err == ERR_OK ? signing_keys_refresh(k) : err;
}

/*
 * Why to rotate, or NULL.  A rotation to another algorithm is started only
 * once, so that two pools with different configurations do not rotate for ever.
 */
static const char *
rotation_reason(struct signing_keys *k, int64_t now)
{
	const struct signing_keys_options *o = &k->options;
	const struct signing_key *newest = &k->list[k->count - 1];

	if (newest->alg == o->alg)
		k->algorithm_used = true;
	if (!k->algorithm_used)
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
	if ((err = delete_retired(k, now)) != ERR_OK || k->count == 0)
		return err;
	if ((why = rotation_reason(k, now)) == NULL)
		return ERR_OK;
	err = rotate(k, now, why, kid);
	return err == ERR_CONFLICT ? ERR_OK : err;
}
