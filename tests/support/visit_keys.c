/* SPDX-License-Identifier: ISC */
#include "support/visit_keys.h"

#include "support/test.h"

#include <stdio.h>
#include <time.h>

#include "host/mapped.h"
#include "host/wish.h"
#include "model/issuer.h"
#include "store/store.h"
#include "support/process.h"
#include "support/visit.h"

#define WAIT_MS 60000
#define WRITE_WAIT_MS 5000
#define MINUTE 60

/* What a test does with the row; false: it stays as it is. */
typedef bool row_fn(struct issuer_keys *row, void *ctx);

static void
with_row(struct visit *f, const struct idp *p, row_fn *fn, void *ctx)
{
	const struct store_actor actor = { .address = "", .now = time(NULL) };
	struct issuer_keys rows[ISSUERS_MAX];
	bool found = false;
	struct store *store;
	struct mapped *m;
	size_t n;

	visit_open_store(f, WRITE_WAIT_MS, &m, &store);
	assert_int_equal(store_issuers(store, rows, &n), ERR_OK);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].issuer, idp_url(p)) == 0) {
			found = true;
			if (fn(&rows[i], ctx))
				assert_int_equal(
				    store_issuer_put(store, &actor, &rows[i]),
				    ERR_OK);
		}
		issuer_keys_clear(&rows[i]);
	}
	store_close(store);
	mapped_close(m);
	assert_true(found);
}

struct aging {
	int seconds;
	struct visit_fetch *fetch; /* NULL: nobody asks */
};

static bool
age(struct issuer_keys *row, void *ctx)
{
	const struct aging *a = ctx;

	row->tried_at -= a->seconds;
	row->fetched_at -= a->seconds;
	row->fresh_until -= a->seconds;
	if (a->fetch != NULL) {
		a->fetch->failures = row->failures;
		a->fetch->fetched_at = row->fetched_at;
		a->fetch->tried_at = row->tried_at;
	}
	return true;
}

void
visit_time_goes_by(struct visit *f, const struct idp *p, int seconds)
{
	struct aging a = { seconds, NULL };

	with_row(f, p, age, &a);
}

static bool
forget(struct issuer_keys *row, void *ctx)
{
	(void)ctx;
	free(row->jwks);
	row->jwks = NULL;
	row->fetched_at = row->fresh_until = row->tried_at = 0;
	row->failures = 0;
	return true;
}

void
visit_forget(struct visit *f, const struct idp *p)
{
	with_row(f, p, forget, NULL);
}

void
visit_fetch_allow(struct visit *f, struct idp *p, struct visit_fetch *fetch_out)
{
	struct aging a = { MINUTE, fetch_out };

	*fetch_out = (struct visit_fetch){ .f = f, .p = p };
	with_row(f, p, age, &a);
}

struct beginning {
	const struct visit_fetch *fetch;
	bool begun;
};

static bool
look_for_begin(struct issuer_keys *row, void *ctx)
{
	struct beginning *b = ctx;

	b->begun = row->tried_at > b->fetch->tried_at;
	return false;
}

static bool
is_begun(void *ctx)
{
	struct beginning *b = ctx;

	with_row(b->fetch->f, b->fetch->p, look_for_begin, b);
	return b->begun;
}

void
visit_fetch_begin(struct visit *f, struct idp *p, struct visit_fetch *fetch_out)
{
	struct beginning b = { .fetch = fetch_out };
	struct store *store;
	struct mapped *m;
	int64_t at;

	visit_fetch_allow(f, p, fetch_out);
	visit_open_store(f, WRITE_WAIT_MS, &m, &store);
	/*
	 * One within the second of another would count for nothing, and so
	 * would one from before the last try: there may have been none yet.
	 */
	at = wish_at(m, idp_url(p));
	if (at < fetch_out->tried_at)
		at = fetch_out->tried_at;
	wish_issuer(m, idp_url(p), at + 1);
	store_close(store);
	mapped_close(m);
	if (!process_until(is_begun, &b, WAIT_MS))
		fail_msg("nobody fetches; see %s", stack_log(f->site.stack));
}

struct ending {
	const struct visit_fetch *fetch;
	bool good, ended;
};

static bool
look(struct issuer_keys *row, void *ctx)
{
	struct ending *e = ctx;

	e->ended = e->good ? row->fetched_at > e->fetch->fetched_at
			   : row->failures > e->fetch->failures;
	return false;
}

static bool
is_ended(void *ctx)
{
	struct ending *e = ctx;

	with_row(e->fetch->f, e->fetch->p, look, e);
	return e->ended;
}

void
visit_fetch_end(const struct visit_fetch *fetch, bool good)
{
	struct ending e = { fetch, good, false };

	if (!process_until(is_ended, &e, WAIT_MS))
		fail_msg("no fetch that was %s; see %s", good ? "good" : "bad",
		    stack_log(fetch->f->site.stack));
}

void
visit_fetch(struct visit *f, struct idp *p, bool good)
{
	struct visit_fetch fetch;

	visit_fetch_begin(f, p, &fetch);
	visit_fetch_end(&fetch, good);
}

struct counted {
	struct idp *p;
	const char *path;
	long count;
};

static bool
is_counted(void *ctx)
{
	const struct counted *c = ctx;

	return idp_count(c->p, c->path) >= c->count;
}

void
visit_expect_count(struct idp *p, const char *path, long n)
{
	struct counted c = { p, path, n };

	if (!process_until(is_counted, &c, WAIT_MS))
		fail_msg("%ld instead of %ld asked for %s", idp_count(p, path),
		    n, path);
}
