/* SPDX-License-Identifier: ISC */
#include "store/sqlite_backup.h"

#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "support/database.h"
#include "support/files.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

/* What a restore takes over from the time after the copy was made. */

#define NOW TEST_USERS_NOW
#define LATER (NOW + 1000)
#define LEEWAY 5

struct fixture {
	struct table table;
	struct shm *m;
	struct store *st;
	char copy[PATH_MAX];
};

static void
open_store(struct fixture *f)
{
	static const struct store_options options = { .write_wait_ms = 2000 };

	assert_int_equal(
	    store_open(f->table.db, f->m, &options, &f->st), ERR_OK);
}

static void
close_store(struct fixture *f)
{
	store_close(f->st);
	f->st = NULL;
}

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	(void)snprintf(f->copy, sizeof(f->copy), "%s/copy", f->table.dir);
}

static void
tear_down(struct fixture *f)
{
	store_close(f->st);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static void
back_up(struct fixture *f)
{
	char why[STORE_WHY_SIZE];

	assert_int_equal(
	    sqlite_backup_make(f->table.db, f->copy, false, why), ERR_OK);
}

static void
restore(struct fixture *f, int64_t now)
{
	struct store_restored restored;
	char why[STORE_WHY_SIZE];

	close_store(f);
	assert_int_equal(sqlite_backup_restore(
			     f->copy, f->table.db, f->m, now, &restored, why),
	    ERR_OK);
	database_check(f->table.db);
	open_store(f);
}

/* Present a token that ${subject} was issued at ${issued_at}. */
static enum err
show(struct fixture *f, const char *subject, int64_t issued_at, int64_t *id_out)
{
	struct store_actor actor = test_users_actor(NOW);
	const struct external_profile p = { .issuer = "https://a.example",
		.subject = subject,
		.issued_at = issued_at,
		.leeway = LEEWAY,
		.name = "Zoe",
		.avatar_url = "" };
	enum external_done done;

	return store_external_provision(f->st, &actor, &p, id_out, &done);
}

TEST(no_external_token_survives_a_restore, struct fixture *f)
{
	static char set[] = "{\"keys\":[]}";
	const struct issuer_keys keys = { .issuer = "https://a.example",
		.jwks = set };
	static struct issuer_keys rows[ISSUERS_MAX];
	struct store_actor actor = test_users_actor(NOW);
	int64_t zoe, id, ended;
	struct user u;
	size_t n = 99;

	open_store(f);
	assert_int_equal(show(f, "zoe", NOW, &zoe), ERR_OK);
	assert_int_equal(store_issuer_put(f->st, &actor, &keys), ERR_OK);
	back_up(f);
	/* The copy was made before these two. */
	assert_int_equal(show(f, "yan", NOW, &id), ERR_OK);
	assert_int_equal(show(f, "xia", NOW, &id), ERR_OK);
	assert_int_equal(store_user_remove(f->st, &actor, id, &ended), ERR_OK);

	restore(f, LATER);
	assert_int_equal(store_user_by_id(f->st, zoe, &u), ERR_OK);
	assert_int_equal(u.epoch, 2);
	assert_int_equal(u.epoch_at, LATER);
	assert_int_equal(show(f, "yan", LATER + LEEWAY, &id), ERR_DENIED);
	assert_int_equal(show(f, "xia", LATER + LEEWAY, &id), ERR_DENIED);
	assert_int_equal(show(f, "yan", LATER + LEEWAY + 1, &id), ERR_OK);
	assert_int_equal(show(f, "yan", LATER + LEEWAY, &id), ERR_DENIED);
	/* No key either, as the issuer may have withdrawn it since. */
	assert_int_equal(store_issuers(f->st, rows, &n), ERR_OK);
	assert_int_equal(n, 0);
}

/* Time does not go back, so old tokens stay ended. */
TEST(a_clock_set_back_revives_none, struct fixture *f)
{
	struct store_actor actor = test_users_actor(LATER);
	int64_t zoe, id;
	struct user u;

	open_store(f);
	assert_int_equal(show(f, "zoe", NOW, &zoe), ERR_OK);
	back_up(f);
	assert_int_equal(store_write_check(f->st, &actor), ERR_OK);
	restore(f, NOW - 1000);
	assert_int_equal(store_user_by_id(f->st, zoe, &u), ERR_OK);
	assert_int_equal(u.epoch_at, LATER);
	assert_int_equal(show(f, "yan", LATER, &id), ERR_DENIED);
}

static void
put_key(struct fixture *f, const char *kid)
{
	struct store_actor actor = test_users_actor(NOW);
	struct signing_key_row key = { .alg = "HS256", .sealed_len = 1 };
	const struct store_keys_edit edit = {
		.alone = true, .put = &key, .puts = 1
	};

	(void)snprintf(key.kid, sizeof(key.kid), "%s", kid);
	assert_int_equal(store_keys_edit(f->st, &actor, &edit), ERR_OK);
}

/* A copy of each older version replaces a database of this one. */
TEST(a_copy_of_an_older_version_is_restored, struct fixture *f)
{
	static struct signing_key_row keys[SIGNING_KEYS_MAX];
	char hash[USER_HASH_SIZE];
	struct user u;
	int64_t id;
	size_t n;

	for (int version = 1; version < sqlite_newest_version(); version++) {
		database_make(f->copy, version);
		open_store(f);
		put_key(f, "replaced");
		restore(f, LATER);
		assert_int_equal(store_user_by_id(f->st, 1, &u), ERR_OK);
		assert_int_equal(u.epoch, 2);
		assert_int_equal(u.epoch_at, LATER);
		assert_int_equal(store_password_hash(f->st, 1, hash), ERR_OK);
		assert_string_equal(hash, "h");
		assert_int_equal(
		    show(f, "zoe", LATER + LEEWAY, &id), ERR_DENIED);
		assert_int_equal(store_keys(f->st, keys, &n), ERR_OK);
		/* Version 1 has no table of keys. */
		assert_int_equal(n, version == 1 ? 0 : 1);
		if (n > 0)
			assert_string_equal(keys[0].kid, "replaced");
		close_store(f);
		assert_int_equal(unlink(f->copy), 0);
	}
}

/* Put in place by cp, what was revoked since would be valid again. */
TEST(a_copy_is_no_database, struct fixture *f)
{
	static const struct store_options options = { .write_wait_ms = 2000 };

	open_store(f);
	close_store(f);
	back_up(f);
	assert_int_equal(rename(f->copy, f->table.db), 0);
	assert_int_equal(
	    store_open(f->table.db, f->m, &options, &f->st), ERR_INVALID);
	assert_int_equal(rename(f->table.db, f->copy), 0);
	restore(f, NOW);
}

TEST(a_settled_database_is_complete, struct fixture *f)
{
	char url[PATH_MAX + 8];
	struct person p;
	struct shm *other;

	(void)snprintf(url, sizeof(url), "sqlite:%s", f->table.db);
	open_store(f);
	assert_int_equal(test_users_register(f->st, "ann", 1, NOW, &p), ERR_OK);
	close_store(f);
	/* Another process may use it. */
	other = shm_fixture_open(&f->table);
	store_url_settle(url, f->m);
	shm_detach(other);
	files_copy(f->table.db, f->copy);
	assert_int_equal(
	    database_int(f->copy, "SELECT count(*) FROM users"), 0);
	store_url_settle(url, f->m);
	files_copy(f->table.db, f->copy);
	assert_int_equal(
	    database_int(f->copy, "SELECT count(*) FROM users"), 1);
}
