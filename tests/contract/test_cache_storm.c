/* SPDX-License-Identifier: ISC */
/*
 * Many processes check many sessions while these are logged out and Redis is
 * flushed and closes all connections.
 */
#include "support/test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/secret.h"
#include "support/cache_fixture.h"
#include "support/child.h"
#include "support/process.h"
#include "support/redis_server.h"

#define READERS 4
#define ROUNDS 25
#define PATIENCE_MS 60000

struct storm {
	const struct caching_site *site;
	char handles[ROUNDS][SESSION_HANDLE_SIZE];
	_Atomic int acknowledged; /* logouts so far */
	_Atomic int seen;         /* checks so far */
};

/* Every check begun after the acknowledgement refuses, and none goes back. */
static void
check_all_the_time(void *ctx)
{
	struct storm *storm = ctx;
	struct caching c;
	bool refused[ROUNDS] = { false };
	int over;

	child_check(caching_open(storm->site, CACHING_SQLITE, &c));
	do {
		over = atomic_load(&storm->acknowledged);
		for (int i = 0; i < ROUNDS; i++) {
			bool late = atomic_load(&storm->acknowledged) > i;
			enum caching_verdict v =
			    caching_check(&c, storm->handles[i], CACHING_NOW);

			child_check(v != CACHING_UNKNOWN);
			child_check(!late || v == CACHING_REFUSED);
			child_check(!refused[i] || v == CACHING_REFUSED);
			refused[i] = v == CACHING_REFUSED;
			atomic_fetch_add(&storm->seen, 1);
		}
	} while (over < ROUNDS);
	caching_close(&c);
}

/* Some checks pass between any two logouts. */
struct passing {
	struct storm *storm;
	int until;
};

static bool
have_passed(void *ctx)
{
	const struct passing *p = ctx;

	return atomic_load(&p->storm->seen) >= p->until;
}

static void
log_out_among_checks(unsigned unknown_percent)
{
	struct caching_site site;
	struct caching c;
	struct storm *storm = child_shared(sizeof(*storm));
	pid_t readers[READERS];
	struct session s;
	struct user u;

	caching_site_make(&site, true);
	site.unknown_percent = unknown_percent;
	assert_true(caching_open(&site, CACHING_SQLITE, &c));
	storm->site = &site;
	for (int i = 0; i < ROUNDS; i++) {
		char name[24];

		snprintf(name, sizeof(name), "user%d", i);
		caching_register(&c, name, &u, &s);
		memcpy(storm->handles[i], s.handle, sizeof(s.handle));
	}
	for (int i = 0; i < READERS; i++)
		readers[i] = child_start(check_all_the_time, storm);
	for (int i = 0; i < ROUNDS; i++) {
		struct passing p = { storm,
			atomic_load(&storm->seen) + ROUNDS };

		assert_true(process_until(have_passed, &p, PATIENCE_MS));
		if (i % 5 == 1)
			redis_server_ask(site.server, "FLUSHALL");
		if (i % 5 == 2)
			redis_server_ask(
			    site.server, "CLIENT KILL TYPE normal SKIPME yes");
		assert_int_equal(
		    store_logout(c.st, &caching_actor, storm->handles[i], NULL),
		    ERR_OK);
		atomic_store(&storm->acknowledged, i + 1);
	}
	for (int i = 0; i < READERS; i++)
		child_passed(readers[i]);
	child_unshare(storm, sizeof(*storm));
	caching_close(&c);
	caching_site_remove(&site);
}

TEST(no_logout_is_lost_among_many_checks)
{
	log_out_among_checks(0);
}

TEST(no_logout_is_lost_where_versions_are_unknown_at_random)
{
	log_out_among_checks(30);
}

TEST(no_logout_is_lost_where_versions_are_always_unknown)
{
	log_out_among_checks(100);
}
