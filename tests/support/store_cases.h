/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_STORE_CASES_H
#define SUPPORT_STORE_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/token.h"
#include "store/store.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

/*
 * The fixture of tests that must pass with every store: a fresh store of each
 * backend, in which ann is registered with session number 1.
 */

#define KEYS_MAX 128

struct backend;

struct fixture {
	const struct backend *backend;
	struct table table;
	struct shm *m;
	struct store *st;
	struct person ann;
	struct store_actor actor;
	/* the keys that caches may delete */
	char keys[KEYS_MAX][TOKEN_KEY_SIZE];
	size_t key_count;
	size_t tidied; /* how often */
};

/*
 * STORE_FIXTURES; in a test program runs its tests on a store in memory and on
 * SQLite.
 */
#define STORE_FIXTURES                                                         \
	TEST_FIXTURE_IN(                                                       \
	    TEST_ALL, "memory", store_cases_memory, store_cases_tear_down);    \
	TEST_FIXTURE_IN(                                                       \
	    TEST_ALL, "sqlite", store_cases_sqlite, store_cases_tear_down)
int store_cases_memory(void **state);
int store_cases_sqlite(void **state);
int store_cases_tear_down(void **state);

/* The call returns ${err}. */
#define gives(err, call) assert_int_equal((call), (err))

/* break_store(f): make the next call fail.  mend_store(f): undo it. */
void break_store(struct fixture *f);
void mend_store(struct fixture *f);

/* Was this key among those of the last change? */
bool tidied(const struct fixture *f, const char *key);
bool tidied_session(const struct fixture *f, const char *handle);
bool tidied_user(const struct fixture *f, int64_t id);

/* Is the session ${handle} live?  How many live sessions has the user ${id}? */
bool live(struct fixture *f, const char *handle, int64_t now);
size_t live_count(struct fixture *f, int64_t id, int64_t now);

/* login(f, p, n, now): sign ${p} in again, with the session number ${n}. */
enum err login(struct fixture *f, const struct person *p, int n, int64_t now);

/* The handle of session number ${n}, until the next call. */
const char *handle_of(int n);

/* Fill ${len} bytes; are all of them zero? */
void dirty(void *p, size_t len);
bool all_zero(const void *p, size_t len);

#endif
