/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_SHM_FIXTURE_H
#define TESTS_SUPPORT_SHM_FIXTURE_H

#include <limits.h>

struct shm;

/* A folder for one test, with the names of a database and its mapped file. */
struct table {
	char dir[PATH_MAX / 4]; /* test points lie here too (support/child) */
	char db[PATH_MAX / 2];
	char path[PATH_MAX];
};

#define SHM_FIXTURE_MB 1 /* of the entry table; small, for there are many */

void shm_fixture_make(struct table *t);
void shm_fixture_remove(struct table *t);

/* shm_fixture_open(t): shm_attach(), which must succeed. */
struct shm *shm_fixture_open(const struct table *t);

/* shm_fixture_forget(m): empty the entry table while nobody else writes to it.
 */
void shm_fixture_forget(struct shm *m);

/**
 * shm_fixture_uncache(database, key):
 * Remove the entry ${key} from the entry table of a running site.
 */
void shm_fixture_uncache(const char *database, const char *key);

#endif
