/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_SHM_FIXTURE_H
#define TESTS_SUPPORT_SHM_FIXTURE_H

#include <limits.h>

struct shm;

/* A folder for one test: paths of a database and of its shared memory file. */
struct table {
	char dir[PATH_MAX / 4]; /* test points lie here too (support/child) */
	char db[PATH_MAX / 2];
	char path[PATH_MAX];
};

#define SHM_FIXTURE_MB 1 /* of the memory cache */

/* shm_fixture_make(t): make the folder; shm_fixture_remove(t) removes it. */
void shm_fixture_make(struct table *t);
void shm_fixture_remove(struct table *t);

/* shm_fixture_open(t): shm_attach(), which must succeed. */
struct shm *shm_fixture_open(const struct table *t);

/**
 * shm_fixture_of(database):
 * Attach to the shared memory of a site whose state directory is the folder of
 * ${database}.
 */
struct shm *shm_fixture_of(const char *database);

/* shm_fixture_forget(m): empty the memory cache; no process may write to it. */
void shm_fixture_forget(struct shm *m);

/**
 * shm_fixture_uncache(database, key):
 * Remove the entry ${key} from the memory cache of a running site.
 */
void shm_fixture_uncache(const char *database, const char *key);

#endif
