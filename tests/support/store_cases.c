/* SPDX-License-Identifier: ISC */
#include "support/store_cases.h"

#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "shm/generation.h"
#include "shm/shm.h"
#include "support/database.h"
#include "support/store_memory.h"

#define NOW TEST_USERS_NOW

struct backend {
	const char *name;
	void (*open)(struct fixture *f);
	void (*check)(struct fixture *f);
	void (*fail_it)(struct fixture *f, bool failing);
};

/* ---- the backends ---- */

static void
open_memory(struct fixture *f)
{
	gives(ERR_OK, store_open_memory(f->m, &f->st));
}

static void
check_memory(struct fixture *f)
{
	(void)f;
}

static void
fail_memory(struct fixture *f, bool failing)
{
	store_memory_fail_next(f->st, failing ? ERR_UNAVAILABLE : ERR_OK);
}

static void
open_sqlite(struct fixture *f)
{
	static const struct store_options options = { .write_wait_ms = 2000 };

	gives(ERR_OK, store_open(f->table.db, f->m, &options, &f->st));
}

static void
check_sqlite(struct fixture *f)
{
	database_check(f->table.db);
}

/* Move the open database away, or back. */
static void
fail_sqlite(struct fixture *f, bool failing)
{
	char aside[sizeof(f->table.db) + 8];

	(void)snprintf(aside, sizeof(aside), "%s-aside", f->table.db);
	if (failing && access(aside, F_OK) != 0)
		assert_int_equal(rename(f->table.db, aside), 0);
	if (!failing && access(aside, F_OK) == 0)
		assert_int_equal(rename(aside, f->table.db), 0);
}

static const struct backend memory = { "memory", open_memory, check_memory,
	fail_memory };
static const struct backend sqlite = { "sqlite", open_sqlite, check_sqlite,
	fail_sqlite };

void
break_store(struct fixture *f)
{
	f->backend->fail_it(f, true);
}

void
mend_store(struct fixture *f)
{
	f->backend->fail_it(f, false);
}

/* ---- fixture ---- */

/* Called after the change, when its keys are settled. */
static void
note_keys(void *ctx, const char *const *keys, size_t n)
{
	struct fixture *f = ctx;

	f->tidied++;
	f->key_count = n;
	for (size_t i = 0; i < n; i++) {
		assert_true(generation_quiet(generation_read(f->m, keys[i])));
		(void)snprintf(f->keys[i], sizeof(f->keys[i]), "%s", keys[i]);
	}
}

bool
tidied(const struct fixture *f, const char *key)
{
	for (size_t i = 0; i < f->key_count; i++) {
		if (strcmp(f->keys[i], key) == 0)
			return true;
	}
	return false;
}

bool
tidied_session(const struct fixture *f, const char *handle)
{
	char key[SESSION_KEY_SIZE];

	session_key(key, handle);
	return tidied(f, key);
}

bool
tidied_user(const struct fixture *f, int64_t id)
{
	char key[USER_KEY_SIZE];

	user_key(key, id);
	return tidied(f, key);
}

static int
set_up(void **state, const struct backend *backend)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->backend = backend;
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	f->backend->open(f);
	store_on_change(f->st, note_keys, f);
	f->actor = test_users_actor(NOW);
	gives(ERR_OK, test_users_register(f->st, "ann", 1, NOW, &f->ann));
	*state = f;
	return 0;
}

int
store_cases_memory(void **state)
{
	return set_up(state, &memory);
}

int
store_cases_sqlite(void **state)
{
	return set_up(state, &sqlite);
}

int
store_cases_tear_down(void **state)
{
	struct fixture *f = *state;

	mend_store(f);
	store_close(f->st);
	f->backend->check(f);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
	free(f);
	return 0;
}

bool
live(struct fixture *f, const char *handle, int64_t now)
{
	bool is_live;

	gives(ERR_OK, test_users_live(f->st, handle, now, &is_live));
	return is_live;
}

enum err
login(struct fixture *f, const struct person *p, int n, int64_t now)
{
	struct store_actor actor = test_users_actor(now);
	struct session s = test_users_session(n, now);

	return store_session_open(
	    f->st, &actor, TEST_USERS_PROOF(&p->user), &s);
}

const char *
handle_of(int n)
{
	static char handle[SESSION_HANDLE_SIZE];
	struct session s = test_users_session(n, NOW);

	memcpy(handle, s.handle, sizeof(handle));
	return handle;
}

size_t
live_count(struct fixture *f, int64_t id, int64_t now)
{
	static struct session sessions[SESSION_MAX_PER_USER];
	size_t n;

	gives(ERR_OK, store_sessions_live(f->st, id, now, sessions, &n));
	return n;
}

bool
all_zero(const void *p, size_t len)
{
	const unsigned char *bytes = p;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

void
dirty(void *p, size_t len)
{
	memset(p, 0x5a, len);
}
