/* SPDX-License-Identifier: ISC */
#include "support/table.h"

#include "support/test.h"

#include <stdio.h>

#include "cache/table.h"
#include "host/mapped.h"
#include "support/child.h"
#include "support/process.h"

void
table_make(struct table *t)
{
	const char *tmp = getenv("TMPDIR");
	int n;

	n = snprintf(t->dir, sizeof(t->dir), "%s/latchkey-table.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_true(n > 0 && n < (int)sizeof(t->dir));
	assert_non_null(mkdtemp(t->dir));
	(void)snprintf(t->db, sizeof(t->db), "%s/latchkey.db", t->dir);
	(void)snprintf(t->path, sizeof(t->path), "%s-table", t->db);
	child_points(t->dir);
}

void
table_remove(struct table *t)
{
	process_remove_tree(t->dir);
}

struct mapped *
table_open(const struct table *t)
{
	struct mapped *m;

	assert_int_equal(mapped_open(t->db, TABLE_MB, &m), ERR_OK);
	assert_non_null(m);
	return m;
}

void
table_forget(struct mapped *m)
{
	size_t size;
	void *area = mapped_area(m, &size);

	memset(area, 0, size);
}

void
table_uncache(const char *database, const char *key)
{
	struct mapped *m;
	struct table_view t;
	struct table_name name;

	assert_int_equal(mapped_open(database, TABLE_MB, &m), ERR_OK);
	table_init(&t, m);
	name = table_name(&t, key, strlen(key));
	table_drop(&t, &name, mapped_time(m, 0));
	mapped_close(m);
}
