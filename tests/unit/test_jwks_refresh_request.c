/* SPDX-License-Identifier: ISC */
#include "shm/jwks_refresh_request.h"

#include "support/test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/shm_fixture.h"

#define ONE "https://one.example"
#define NOW 1800000000
#define LONG_MS 60000

struct fixture {
	struct table table;
	struct shm *m;
	atomic_int *waits; /* set by a child about to wait */
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	f->waits = child_shared(sizeof(*f->waits));
}

static void
tear_down(struct fixture *f)
{
	child_unshare(f->waits, sizeof(*f->waits));
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

/* Find an issuer whose request is stored in another word than ${name}'s. */
static void
request_in_another_word(
    struct shm *m, const char *name, int64_t at, char other[64])
{
	int64_t before;

	for (int i = 0;; i++) {
		before = jwks_refresh_request_time(m, name);
		snprintf(other, 64, "https://%d.example", i);
		jwks_refresh_request_issuer(m, other, at + i);
		assert_int_equal(jwks_refresh_request_time(m, other), at + i);
		if (jwks_refresh_request_time(m, name) == before)
			return;
	}
}

TEST(the_latest_request_counts, struct fixture *f)
{
	uint32_t serial = jwks_refresh_request_serial(f->m);
	char other[64];

	assert_int_equal(jwks_refresh_request_time(f->m, ONE), 0);
	jwks_refresh_request_issuer(f->m, ONE, NOW);
	assert_int_equal(jwks_refresh_request_time(f->m, ONE), NOW);
	assert_int_equal(jwks_refresh_request_serial(f->m), serial + 1);
	/* Repeated within the same second, it wakes no process. */
	for (int i = 0; i < 1000; i++)
		jwks_refresh_request_issuer(f->m, ONE, NOW);
	jwks_refresh_request_issuer(f->m, ONE, NOW - 1);
	assert_int_equal(jwks_refresh_request_time(f->m, ONE), NOW);
	assert_int_equal(jwks_refresh_request_serial(f->m), serial + 1);
	jwks_refresh_request_issuer(f->m, ONE, NOW + 1);
	assert_int_equal(jwks_refresh_request_time(f->m, ONE), NOW + 1);
	assert_int_equal(jwks_refresh_request_serial(f->m), serial + 2);

	request_in_another_word(f->m, ONE, NOW + 10, other);
	assert_true(jwks_refresh_request_time(f->m, other) >= NOW + 10);
}

TEST(waiting_has_a_bound, struct fixture *f)
{
	int64_t start = clock_system.mono_us();

	jwks_refresh_request_wait(f->m, jwks_refresh_request_serial(f->m), 30);
	assert_true(clock_system.mono_us() - start >= 30 * 1000);
	/* A request made already ends the wait at once. */
	start = clock_system.mono_us();
	jwks_refresh_request_wait(
	    f->m, jwks_refresh_request_serial(f->m) - 1, LONG_MS);
	assert_true(clock_system.mono_us() - start < LONG_MS * 1000);
}

static void
wait_for_request(void *ctx)
{
	struct fixture *f = ctx;
	int64_t start = clock_system.mono_us();
	struct shm *m;
	uint32_t serial;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	serial = jwks_refresh_request_serial(m);
	atomic_store(f->waits, 1);
	while (jwks_refresh_request_serial(m) == serial)
		jwks_refresh_request_wait(m, serial, LONG_MS);
	child_check(clock_system.mono_us() - start < LONG_MS * 1000);
	child_check(jwks_refresh_request_time(m, ONE) == NOW);
	shm_detach(m);
}

TEST(a_request_wakes_another_process, struct fixture *f)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	pid_t pid = child_start(wait_for_request, f);

	while (atomic_load(f->waits) == 0)
		(void)nanosleep(&ms, NULL);
	jwks_refresh_request_issuer(f->m, ONE, NOW);
	child_passed(pid);
}

/* A request in a file that has been replaced has no effect. */
TEST(requests_in_a_replaced_file_are_ignored, struct fixture *f)
{
	struct shm *next;

	assert_int_equal(unlink(f->table.path), 0);
	next = shm_fixture_open(&f->table);
	jwks_refresh_request_issuer(f->m, ONE, NOW);
	assert_int_equal(jwks_refresh_request_time(f->m, ONE), NOW);
	assert_int_equal(jwks_refresh_request_time(next, ONE), 0);
	jwks_refresh_request_wait(f->m, jwks_refresh_request_serial(f->m), 10);
	assert_false(shm_is_current(f->m));
	shm_detach(next);
}
