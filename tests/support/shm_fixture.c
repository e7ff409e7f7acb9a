/* SPDX-License-Identifier: ISC */
#include "support/shm_fixture.h"

#include "support/test.h"

#include <stdio.h>

#include "base/file.h"
#include "cache/memory_cache.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/process.h"

void
shm_fixture_make(struct table *t)
{
	const char *tmp = getenv("TMPDIR");
	int n;

	n = snprintf(t->dir, sizeof(t->dir), "%s/latchkey-table.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_true(n > 0 && n < (int)sizeof(t->dir));
	assert_non_null(mkdtemp(t->dir));
	(void)snprintf(t->db, sizeof(t->db), "%s/latchkey.db", t->dir);
	(void)snprintf(t->path, sizeof(t->path), "%s/" SHM_FILE_NAME, t->dir);
	child_points(t->dir);
}

void
shm_fixture_remove(struct table *t)
{
	process_remove_tree(t->dir);
}

struct shm *
shm_fixture_open(const struct table *t)
{
	struct shm *m;

	assert_int_equal(shm_attach(t->dir, SHM_FIXTURE_MB, &m), ERR_OK);
	assert_non_null(m);
	return m;
}

struct shm *
shm_fixture_of(const char *database)
{
	char folder[PATH_MAX];
	struct shm *m;

	assert_int_equal(file_folder(folder, database), ERR_OK);
	assert_int_equal(shm_attach(folder, SHM_FIXTURE_MB, &m), ERR_OK);
	return m;
}

void
shm_fixture_forget(struct shm *m)
{
	size_t size;
	void *area = shm_region(m, &size);

	memset(area, 0, size);
}

void
shm_fixture_uncache(const char *database, const char *key)
{
	struct shm *m;
	struct memory_cache t;
	struct memory_cache_name name;

	m = shm_fixture_of(database);
	memory_cache_init(&t, m);
	name = memory_cache_name(&t, key, strlen(key));
	memory_cache_drop(&t, &name, shm_time(m, 0));
	shm_detach(m);
}
