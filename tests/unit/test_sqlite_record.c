/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include "support/test.h"

#include <stdio.h>

#include "base/buf.h"
#include "shm/shm.h"
#include "support/database.h"
#include "support/shm_fixture.h"

/* Rows that this program cannot have written are no answer. */

#define HANDLE "0123456789abcdef0123456789abcdef"

static const struct store_options options = { .write_wait_ms = 500 };

struct fixture {
	struct table table;
	struct shm *m;
	struct store *st;
};

/* One valid row in each table. */
static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	assert_int_equal(
	    store_open(f->table.db, f->m, &options, &f->st), ERR_OK);
	database_run(f->table.db,
	    "INSERT INTO users (id, email, email_normal, name, avatar_url,"
	    " role, status, epoch, version, created_at, updated_at, epoch_at)"
	    " VALUES (1, 'a@b.c', 'a@b.c', 'Ann', '', 'admin', 'active', 2, 3,"
	    " 4, 5, 6);"
	    "INSERT INTO sessions (handle, user_id, epoch, created_at,"
	    " last_seen_at, expires_at, device, user_agent, address)"
	    " VALUES ('" HANDLE "', 1, 2, 3, 4, 5, 'phone', 'curl', '::1');"
	    "INSERT INTO signing_keys (kid, alg, sealed, created_at, signs_at,"
	    " lifetime) VALUES ('kid', 'ES256', x'0102', 1, 2, 3);"
	    "INSERT INTO subjects (issuer, subject, user_id, linked, digest,"
	    " claims_at, ended_at) VALUES ('i', 's', 1, 1, zeroblob(32), 2, 3);"
	    "INSERT INTO issuer_keys (issuer, jwks, fetched_at, fresh_until,"
	    " tried_at, failures, error) VALUES ('i', NULL, 1, 2, 3, 4, 'e')");
}

static void
tear_down(struct fixture *f)
{
	store_close(f->st);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

/* Read the row of ${table}. */
static enum err
read_row(struct fixture *f, const char *table)
{
	struct issuer_keys issuers[ISSUERS_MAX] = { 0 };
	struct signing_key_row keys[SIGNING_KEYS_MAX];
	const struct store_ops *ops = f->st->ops;
	struct session session;
	struct subject subject;
	struct user user;
	enum err err;
	size_t n;

	if (strcmp(table, "users") == 0)
		return ops->user_by_id(f->st, 1, &user);
	if (strcmp(table, "sessions") == 0)
		return ops->session_by_handle(f->st, HANDLE, &session);
	if (strcmp(table, "signing_keys") == 0)
		return ops->keys(f->st, keys, &n);
	if (strcmp(table, "subjects") == 0)
		return ops->subject(f->st, "i", "s", &subject);
	err = ops->issuers(f->st, issuers, &n);
	issuer_keys_clear(&issuers[0]);
	return err;
}

TEST(impossible_columns_are_no_answer, struct fixture *f)
{
	static const struct {
		const char *table, *set;
		enum err expect;
	} cases[] = {
		{ "users", "name = 'Ben'", ERR_OK },
		{ "users", "epoch = 0", ERR_UNAVAILABLE },
		{ "users", "name = 'a' || char(0)", ERR_UNAVAILABLE },
		{ "users", "name = substr(hex(zeroblob(201)), 1, 400)",
		    ERR_OK },
		{ "users", "name = substr(hex(zeroblob(201)), 1, 401)",
		    ERR_UNAVAILABLE },
		{ "users", "role = 'root'", ERR_UNAVAILABLE },
		{ "users", "role = 'none'", ERR_UNAVAILABLE },
		{ "users", "status = ''", ERR_UNAVAILABLE },
		{ "sessions", "revoked_at = 9", ERR_OK },
		{ "sessions", "epoch = 0", ERR_UNAVAILABLE },
		{ "sessions", "address = hex(zeroblob(23))", ERR_UNAVAILABLE },
		{ "signing_keys", "sealed = zeroblob(2048)", ERR_OK },
		{ "signing_keys", "sealed = zeroblob(2049)", ERR_UNAVAILABLE },
		{ "signing_keys", "sealed = zeroblob(0)", ERR_UNAVAILABLE },
		{ "signing_keys", "alg = 'ES2560'", ERR_UNAVAILABLE },
		{ "subjects", "linked = 0", ERR_OK },
		{ "subjects", "user_id = -1", ERR_UNAVAILABLE },
		{ "subjects", "digest = zeroblob(31)", ERR_UNAVAILABLE },
		{ "subjects", "digest = zeroblob(33)", ERR_UNAVAILABLE },
		{ "issuer_keys", "jwks = hex(zeroblob(32768))", ERR_OK },
		{ "issuer_keys", "jwks = hex(zeroblob(32768)) || '0'",
		    ERR_UNAVAILABLE },
		{ "issuer_keys", "jwks = '{' || char(0)", ERR_UNAVAILABLE },
		{ "issuer_keys", "error = hex(zeroblob(32))", ERR_UNAVAILABLE },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char sql[256];
		int len;

		assert_int_equal(read_row(f, cases[i].table), ERR_OK);
		len = snprintf(sql, sizeof(sql),
		    "PRAGMA ignore_check_constraints = 1;"
		    "UPDATE %s SET %s",
		    cases[i].table, cases[i].set);
		assert_in_range(len, 1, sizeof(sql) - 1);
		database_run(f->table.db, sql);
		if (read_row(f, cases[i].table) != cases[i].expect)
			fail_msg("%s: %s", cases[i].table, cases[i].set);
		tear_down(f);
		memset(f, 0, sizeof(*f));
		set_up(f);
	}
}

TEST(columns_of_a_table_are_expanded)
{
	struct buf sql = { 0 };

	sqlite_expand("SELECT {subjects}, 1 FROM subjects", &sql);
	assert_string_equal(sql.data,
	    "SELECT subjects.issuer, subjects.subject, subjects.user_id,"
	    " subjects.linked, subjects.digest, subjects.claims_at,"
	    " subjects.ended_at, 1 FROM subjects");
	buf_clear(&sql);
}
