/* SPDX-License-Identifier: ISC */
#include "support/external_issuer_keys.h"

#include "support/test.h"

#include <stdio.h>
#include <time.h>

#include "model/issuer.h"
#include "shm/jwks_refresh_request.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/external_issuer_site.h"
#include "support/process.h"

#define WAIT_MS 60000
#define WRITE_WAIT_MS 5000
#define MINUTE 60

/* A test's change of the row; false: leave it unchanged. */
typedef bool row_fn(struct issuer_keys *row, void *ctx);

static void
with_row(
    struct external_site *f, const struct test_issuer *p, row_fn *fn, void *ctx)
{
	const struct store_actor actor = { .address = "", .now = time(NULL) };
	struct issuer_keys rows[ISSUERS_MAX];
	bool found = false;
	struct store *store;
	struct shm *m;
	size_t n;

	external_site_open_store(f, WRITE_WAIT_MS, &m, &store);
	assert_int_equal(store_issuers(store, rows, &n), ERR_OK);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].issuer, test_issuer_url(p)) == 0) {
			found = true;
			if (fn(&rows[i], ctx))
				assert_int_equal(
				    store_issuer_put(store, &actor, &rows[i]),
				    ERR_OK);
		}
		issuer_keys_clear(&rows[i]);
	}
	store_close(store);
	shm_detach(m);
	assert_true(found);
}

struct aging {
	int seconds;
	struct external_site_fetch *http_client; /* NULL: no request */
};

static bool
age(struct issuer_keys *row, void *ctx)
{
	const struct aging *a = ctx;

	row->tried_at -= a->seconds;
	row->fetched_at -= a->seconds;
	row->fresh_until -= a->seconds;
	if (a->http_client != NULL) {
		a->http_client->failures = row->failures;
		a->http_client->fetched_at = row->fetched_at;
		a->http_client->tried_at = row->tried_at;
	}
	return true;
}

void
external_site_time_goes_by(
    struct external_site *f, const struct test_issuer *p, int seconds)
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
external_site_forget(struct external_site *f, const struct test_issuer *p)
{
	with_row(f, p, forget, NULL);
}

void
external_site_fetch_allow(struct external_site *f, struct test_issuer *p,
    struct external_site_fetch *fetch_out)
{
	struct aging a = { MINUTE, fetch_out };

	*fetch_out = (struct external_site_fetch){ .f = f, .p = p };
	with_row(f, p, age, &a);
}

struct beginning {
	const struct external_site_fetch *http_client;
	bool begun;
};

static bool
look_for_begin(struct issuer_keys *row, void *ctx)
{
	struct beginning *b = ctx;

	b->begun = row->tried_at > b->http_client->tried_at;
	return false;
}

static bool
is_begun(void *ctx)
{
	struct beginning *b = ctx;

	with_row(b->http_client->f, b->http_client->p, look_for_begin, b);
	return b->begun;
}

void
external_site_fetch_begin(struct external_site *f, struct test_issuer *p,
    struct external_site_fetch *fetch_out)
{
	struct beginning b = { .http_client = fetch_out };
	struct store *store;
	struct shm *m;
	int64_t at;

	external_site_fetch_allow(f, p, fetch_out);
	external_site_open_store(f, WRITE_WAIT_MS, &m, &store);
	/*
	 * One within the second of another would count for nothing, and so
	 * would one from before the last try: there may have been none yet.
	 */
	at = jwks_refresh_request_time(m, test_issuer_url(p));
	if (at < fetch_out->tried_at)
		at = fetch_out->tried_at;
	jwks_refresh_request_issuer(m, test_issuer_url(p), at + 1);
	store_close(store);
	shm_detach(m);
	if (!process_until(is_begun, &b, WAIT_MS))
		fail_msg(
		    "no process fetches; see %s", stack_log(f->site.stack));
}

struct ending {
	const struct external_site_fetch *http_client;
	bool good, ended;
};

static bool
lookup(struct issuer_keys *row, void *ctx)
{
	struct ending *e = ctx;

	e->ended = e->good ? row->fetched_at > e->http_client->fetched_at
			   : row->failures > e->http_client->failures;
	return false;
}

static bool
is_ended(void *ctx)
{
	struct ending *e = ctx;

	with_row(e->http_client->f, e->http_client->p, lookup, e);
	return e->ended;
}

void
external_site_fetch_end(const struct external_site_fetch *fetch, bool good)
{
	struct ending e = { fetch, good, false };

	if (!process_until(is_ended, &e, WAIT_MS))
		fail_msg("no fetch that was %s; see %s", good ? "good" : "bad",
		    stack_log(fetch->f->site.stack));
}

void
external_site_fetch(struct external_site *f, struct test_issuer *p, bool good)
{
	struct external_site_fetch http_client;

	external_site_fetch_begin(f, p, &http_client);
	external_site_fetch_end(&http_client, good);
}

struct counted {
	struct test_issuer *p;
	const char *path;
	long count;
};

static bool
is_counted(void *ctx)
{
	const struct counted *c = ctx;

	return test_issuer_count(c->p, c->path) >= c->count;
}

void
external_site_expect_count(struct test_issuer *p, const char *path, long n)
{
	struct counted c = { p, path, n };

	if (!process_until(is_counted, &c, WAIT_MS))
		fail_msg("%ld instead of %ld asked for %s",
		    test_issuer_count(p, path), n, path);
}
