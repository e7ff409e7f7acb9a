/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"
#include "shm/jwks_refresh_request.h"
#include "shm/shm.h"
#include "support/database.h"
#include "support/fcgi_site.h"
#include "support/files.h"
#include "support/issuer_key_rows.h"
#include "support/process.h"
#include "support/shm_fixture.h"
#include "support/test_issuer.h"

/*
 * Who fetches the keys of other issuers, and how often: under a supervisor,
 * without one, and by two pools at once.  The issuer counts.
 */
#define WAIT_MS 60000
#define FLOOR 30

#define PATHS 2

struct fixture {
	char dir[32];
	char issuers[64], db[64];
	char env[2][128];
	struct test_issuer *idp;
	long before[PATHS]; /* requests when the test began */
	struct fcgi_site site;
};

/* One issuer for all tests. */
static struct test_issuer *shared_idp;

/* ---- the fixture ---- */

/* One block for each path of the issuer, under names of their own. */
static void
write_issuers(const struct fixture *f, int blocks)
{
	struct buf text = { 0 };

	for (int i = 0; i < blocks; i++)
		buf_printf(&text,
		    "[https://issuer%d.example]\n"
		    "jwks_uri = %s/%d.json\naudience = latchkey\n",
		    i, test_issuer_url(f->idp), i);
	buf_puts(&text, "# that is all\n");
	files_write(f->issuers, text.data, text.len);
	buf_clear(&text);
}

/* Set the answers of the paths other than the issuer's own. */
static void
answer_all(struct fixture *f, int paths, const char *kid)
{
	for (int i = 0; i < paths; i++)
		test_issuer_tell(f->idp,
		    "answer('/%d.json', body={'keys': [{'kty': 'EC', "
		    "'crv': 'P-256', 'kid': '%s', "
		    "'x': 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', "
		    "'y': 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'}]})",
		    i, kid);
}

static void
open_site(struct fixture *f, enum stack_kind kind, int blocks)
{
	const char *env[] = { f->env[0], f->env[1], NULL };
	struct stack_options o = {
		.kind = kind, .no_redis = true, .dir = f->dir, .env = env
	};

	snprintf(f->env[0], sizeof(f->env[0]), "LATCHKEY_ISSUERS_FILE=%s",
	    blocks >= 0 ? f->issuers : "");
	snprintf(f->env[1], sizeof(f->env[1]), "JWKS_REFRESH_INTERVAL=7200");
	write_issuers(f, blocks);
	fcgi_site_open(&f->site, &o);
}

static int
start_idp(void **state)
{
	(void)state;
	shared_idp = test_issuer_new(false);
	return 0;
}

static int
stop_idp(void **state)
{
	(void)state;
	test_issuer_free(shared_idp);
	return 0;
}

static void
set_up(struct fixture *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->issuers, sizeof(f->issuers), "%s/issuers", f->dir);
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", f->dir);
	f->idp = shared_idp;
	answer_all(f, PATHS, "one");
	f->before[0] = test_issuer_count(f->idp, "/0.json");
	f->before[1] = test_issuer_count(f->idp, "/1.json");
}

static void
tear_down(struct fixture *f)
{
	fcgi_site_close(&f->site);
	process_remove_tree(f->dir);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

/* ---- looking ---- */

/* How often the path ${i} was asked for in this test. */
static long
asked(const struct fixture *f, int i)
{
	return test_issuer_count(f->idp, i == 0 ? "/0.json" : "/1.json") -
	    f->before[i];
}

static bool
is_asked(void *ctx)
{
	return asked(ctx, 0) > 0;
}

struct awaited {
	struct fixture *f;
	const char *text; /* in the log, or SQL */
	int64_t count;
	const char *file;
};

static int
count_in(const char *path, const char *text)
{
	struct buf all = { 0 };
	int n = 0;

	if (access(path, F_OK) != 0)
		return 0;
	files_read(path, &all);
	for (const char *at = all.data;
	     at != NULL && (at = strstr(at, text)) != NULL; at++)
		n++;
	buf_clear(&all);
	return n;
}

static bool
is_logged(void *ctx)
{
	const struct awaited *a = ctx;

	return count_in(a->file, a->text) >= a->count;
}

static void
wait_for_log(struct fixture *f, const char *text, int count)
{
	struct awaited a = {
		.text = text, .count = count, .file = stack_log(f->site.stack)
	};

	if (!process_until(is_logged, &a, WAIT_MS))
		fail_msg("no \"%s\" in the log", text);
}

static int
in_log(const struct fixture *f, const char *text)
{
	return count_in(stack_log(f->site.stack), text);
}

static int64_t
ask(const struct fixture *f, const char *sql)
{
	return database_int(f->db, sql);
}

static bool
is_answered(void *ctx)
{
	const struct awaited *a = ctx;

	return ask(a->f, a->text) == a->count;
}

static void
wait_for_row(struct fixture *f, const char *sql, int64_t count)
{
	struct awaited a = { .f = f, .text = sql, .count = count };

	if (!process_until(is_answered, &a, WAIT_MS))
		fail_msg("%s: %lld", sql, (long long)ask(f, sql));
}

#define FETCHED "SELECT count(*) FROM issuer_keys WHERE jwks IS NOT NULL"
#define NEWEST "SELECT count(*) FROM issuer_keys WHERE jwks LIKE '%\"two\"%'"
#define FAILURES "SELECT sum(failures) FROM issuer_keys"

static bool
is_gone(void *ctx)
{
	return !process_alive(*(pid_t *)ctx);
}

/* Reaped, too. */
static bool
has_no_jwks_process(void *ctx)
{
	const struct fixture *f = ctx;

	return stack_jwks_process(f->site.stack) == 0;
}

static bool
has_jwks_process(void *ctx)
{
	return !has_no_jwks_process(ctx);
}

static pid_t
jwks_process_of(struct fixture *f)
{
	if (!process_until(has_jwks_process, f, WAIT_MS))
		fail_msg("there is no JWKS process");
	return stack_jwks_process(f->site.stack);
}

/* ---- moving things ---- */

/* Make the JWKS process step, with or without a refresh request. */
static void
make_it_step(struct fixture *f, bool request)
{
	char path[160];
	struct awaited a = { .text = "\n", .file = path };
	struct shm *m;

	snprintf(path, sizeof(path), "%s/points/jwks:stepped.count", f->dir);
	a.count = count_in(path, "\n") + 1;
	m = shm_fixture_of(f->db);
	if (request)
		jwks_refresh_request_issuer(m, "https://issuer0.example",
		    shm_time(m, clock_system.wall()));
	jwks_refresh_request_wake(m);
	shm_detach(m);
	if (!process_until(is_logged, &a, WAIT_MS))
		fail_msg("the JWKS process does not refresh");
}

/* ---- under a supervisor ---- */

TEST(keys_are_fetched_once, struct fixture *f)
{
	open_site(f, STACK_POOL, 2);
	stack_point(f->site.stack, "jwks:stepped", "count");
	wait_for_row(f, FETCHED, 2);
	/* Refresh requests or not: no more for half a minute. */
	for (int i = 0; i < 3; i++)
		make_it_step(f, true);
	assert_int_equal(asked(f, 0), 1);
	assert_int_equal(asked(f, 1), 1);

	/* Then one fetch for the requested issuer, however many requests. */
	answer_all(f, 2, "two");
	issuer_key_rows_age(f->db, FLOOR + 10);
	for (int i = 0; i < 3; i++)
		make_it_step(f, true);
	wait_for_row(f, NEWEST, 1);
	assert_int_equal(asked(f, 0), 2);
	assert_int_equal(asked(f, 1), 1);

	/* Stale keys are fetched without a request. */
	issuer_key_rows_age(f->db, 7200);
	make_it_step(f, false);
	wait_for_row(f, NEWEST, 2);
	make_it_step(f, false);
	assert_int_equal(asked(f, 0), 3);
	assert_int_equal(asked(f, 1), 2);
	assert_int_equal(in_log(f, "event=jwks_refresher_started"), 1);
}

/* It hangs at the start already, and whenever it is asked. */
TEST(a_hanging_issuer_delays_no_other, struct fixture *f)
{
	pid_t jwks_refresh;

	test_issuer_tell(f->idp, "answer('/0.json', pace='hang')");
	open_site(f, STACK_POOL, 1);
	fcgi_site_serves(&f->site);
	jwks_refresh = jwks_process_of(f);
	wait_for_row(f, "SELECT count(*) FROM issuer_keys", 1);
	fcgi_site_serves(&f->site);
	/* It gives up when the pool ends, and that is no failure. */
	assert_int_equal(
	    process_stop(stack_supervisor(f->site.stack), SIGTERM, 12000), 0);
	assert_false(process_alive(jwks_refresh));
	assert_int_equal(ask(f, FAILURES), 0);
	assert_int_equal(in_log(f, "event=jwks_refresher_killed"), 0);
	stack_start_pool(f->site.stack);
	fcgi_site_note_workers(&f->site);
}

/* Killed while it asks, again and again: asked once. */
TEST(a_killed_jwks_process_is_replaced_and_does_not_fetch_again,
    struct fixture *f)
{
	test_issuer_tell(f->idp, "answer('/0.json', pace='hang')");
	open_site(f, STACK_POOL, 1);
	for (int i = 1; i <= 3; i++) {
		pid_t jwks_refresh;

		wait_for_log(f, "event=jwks_refresher_ready", i);
		jwks_refresh = jwks_process_of(f);
		assert_true(process_until(is_asked, f, WAIT_MS));
		assert_int_equal(kill(jwks_refresh, SIGKILL), 0);
		wait_for_log(f, "event=jwks_refresher_died", i);
		assert_true(process_until(is_gone, &jwks_refresh, WAIT_MS));
		fcgi_site_serves(&f->site);
	}
	wait_for_log(f, "event=jwks_refresher_ready", 4);
	stack_point(f->site.stack, "jwks:stepped", "count");
	answer_all(f, 1, "two");
	make_it_step(f, true);
	assert_int_equal(asked(f, 0), 1);
	assert_int_equal(ask(f, FETCHED), 0);
	issuer_key_rows_age(f->db, FLOOR);
	make_it_step(f, false);
	wait_for_row(f, NEWEST, 1);
	assert_int_equal(asked(f, 0), 2);
	assert_int_equal(in_log(f, "event=worker_died"), 0);
}

/* Bad answers of every kind, one after the other: the set stays. */
TEST(the_last_good_set_stays, struct fixture *f)
{
	static const struct {
		const char *how, *error;
	} cases[] = {
		{ "status=500", "status_500" },
		{ "pad=4194304", "too_large" },
		{ "type='text/html'", "type" },
		{ "body=[]", "no_keys" },
		{ "body={'keys': [{'kty': 'oct', 'k': 'AAAA'}]}", "no_keys" },
		{ "pace='half'", "broken" },
		{ "status=302, headers={'Location': 'http://localhost:1/'}",
		    "redirect" },
	};
	char sql[160];

	open_site(f, STACK_POOL, 1);
	stack_point(f->site.stack, "jwks:stepped", "count");
	wait_for_row(f, FETCHED, 1);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		test_issuer_tell(f->idp,
		    "answer('/0.json', body={'keys': []}, %s)", cases[i].how);
		issuer_key_rows_age(f->db, 7200);
		make_it_step(f, false);
		snprintf(sql, sizeof(sql),
		    "SELECT failures FROM issuer_keys WHERE error = '%s' "
		    "AND jwks LIKE '%%\"one\"%%'",
		    cases[i].error);
		wait_for_row(f, sql, (int64_t)i + 1);
	}
	assert_int_equal(asked(f, 0), NELEMS(cases) + 1);
	answer_all(f, 1, "two");
	issuer_key_rows_age(f->db, 7200);
	make_it_step(f, false);
	wait_for_row(f, NEWEST, 1);
	assert_int_equal(ask(f, FAILURES), 0);
}

TEST(a_reload_takes_another_file, struct fixture *f)
{
	pid_t old;

	open_site(f, STACK_POOL, 1);
	wait_for_row(f, FETCHED, 1);
	old = jwks_process_of(f);
	write_issuers(f, 2);
	assert_int_equal(kill(stack_supervisor(f->site.stack), SIGHUP), 0);
	wait_for_row(f, FETCHED, 2);
	assert_true(process_until(is_gone, &old, WAIT_MS));
	assert_int_equal(asked(f, 0), 1);
	assert_int_equal(asked(f, 1), 1);

	/* Without issuers there is no JWKS process. */
	write_issuers(f, 0);
	assert_int_equal(kill(stack_supervisor(f->site.stack), SIGHUP), 0);
	wait_for_log(f, "event=pool_reloaded", 2);
	assert_true(process_until(has_no_jwks_process, f, WAIT_MS));
	fcgi_site_note_workers(&f->site);
	fcgi_site_serves(&f->site);
	assert_int_equal(in_log(f, "event=jwks_refresher_died"), 0);
}

/* What others have put in the file's place is looked at, and kept. */
TEST(a_replaced_shm_file_restarts_the_jwks_process, struct fixture *f)
{
	char table[80];

	open_site(f, STACK_POOL, 1);
	wait_for_row(f, FETCHED, 1);
	snprintf(table, sizeof(table), "%s/shared.mem", f->dir);
	assert_int_equal(unlink(table), 0);
	wait_for_log(f, "event=jwks_refresher_ready", 2);
	stack_point(f->site.stack, "jwks:stepped", "count");
	make_it_step(f, true);
	assert_int_equal(asked(f, 0), 1);
	fcgi_site_note_workers(&f->site);
}

/* ---- two pools ---- */

static pid_t
start_second_pool(struct fixture *f, const char *log)
{
	char listen[64];
	const char *argv[] = { getenv("LATCHKEY_TEST_PROGRAM"), "serve",
		"--listen", listen, "--workers", "1", NULL };
	struct process_options p = { .argv = argv,
		.env = stack_env(f->site.stack),
		.log = log,
		.stdin_fd = -1 };

	snprintf(listen, sizeof(listen), "unix:%s/second.sock", f->dir);
	return process_start(&p);
}

TEST(two_pools_of_one_database_fetch_once, struct fixture *f)
{
	char log[64], waits[160];
	struct awaited waiting = { .text = "\n", .count = 1, .file = waits };
	struct awaited ready = {
		.text = "event=jwks_refresher_ready", .count = 1, .file = log
	};
	pid_t second;

	snprintf(log, sizeof(log), "%s/second.log", f->dir);
	snprintf(
	    waits, sizeof(waits), "%s/points/jwks_process:waits.count", f->dir);
	open_site(f, STACK_POOL, 2);
	wait_for_row(f, FETCHED, 2);
	stack_point(f->site.stack, "jwks_process:waits", "count");
	stack_point(f->site.stack, "jwks:stepped", "count");
	second = start_second_pool(f, log);
	assert_true(process_until(is_logged, &waiting, WAIT_MS));
	make_it_step(f, true);
	assert_int_equal(count_in(log, "event=jwks_refresher_ready"), 0);

	/* When the first pool stops, the second refreshes, and fetches nothing.
	 */
	stack_stop_pool(f->site.stack, SIGTERM);
	assert_true(process_until(is_logged, &ready, WAIT_MS));
	make_it_step(f, true);
	assert_int_equal(asked(f, 0), 1);
	assert_int_equal(asked(f, 1), 1);
	assert_int_equal(process_stop(second, SIGTERM, WAIT_MS), 0);
}

/* ---- without a supervisor ---- */

static pid_t
refresher_pid(struct fixture *f, int which)
{
	static const char event[] = "event=jwks_refresher_ready pid=";
	struct buf log = { 0 };
	const char *at;
	pid_t pid;

	wait_for_log(f, "event=jwks_refresher_ready", which);
	files_read(stack_log(f->site.stack), &log);
	at = log.data;
	for (int i = 0; i < which; i++)
		at = strstr(at, event) + strlen(event);
	pid = (pid_t)strtol(at, NULL, 10);
	buf_clear(&log);
	return pid;
}

TEST(of_workers_without_supervisor_one_refreshes, struct fixture *f)
{
	pid_t jwks_refresh;

	open_site(f, STACK_SPAWN_FCGI, 2);
	wait_for_row(f, FETCHED, 2);
	jwks_refresh = refresher_pid(f, 1);
	stack_point(f->site.stack, "jwks:stepped", "count");
	make_it_step(f, true);
	assert_int_equal(in_log(f, "event=jwks_refresher_ready"), 1);

	/* Its worker is killed: another takes the place over. */
	process_stop(jwks_refresh, SIGKILL, WAIT_MS);
	assert_int_not_equal(refresher_pid(f, 2), jwks_refresh);
	make_it_step(f, true);
	assert_int_equal(asked(f, 0), 1);
	assert_int_equal(asked(f, 1), 1);
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
}

/* Ending and beginning anew, while its thread waits for an answer. */
TEST(a_worker_alone_ends_while_it_asks, struct fixture *f)
{
	pid_t jwks_refresh;

	test_issuer_tell(f->idp, "answer('/0.json', pace='hang')");
	open_site(f, STACK_SPAWN_FCGI, 1);
	wait_for_row(f, "SELECT count(*) FROM issuer_keys", 1);
	jwks_refresh = refresher_pid(f, 1);
	assert_int_equal(kill(jwks_refresh, SIGHUP), 0);
	wait_for_log(f, "event=jwks_refresher_ready", 2);
	assert_true(process_alive(jwks_refresh));
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
	assert_int_equal(ask(f, FAILURES), 0);
}

/* ---- without issuers ---- */

static bool
has_libcurl(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	return stack_file_contains(path, "libcurl");
}

TEST(without_issuers_nothing_is_started, struct fixture *f)
{
	pid_t pids[8];
	size_t n;

	open_site(f, STACK_POOL, -1);
	assert_int_equal(process_children(stack_supervisor(f->site.stack), pids,
			     NELEMS(pids)),
	    2);
	assert_int_equal(in_log(f, "event=jwks_refresher_started"), 0);
	stack_stop_pool(f->site.stack, SIGTERM);

	/* Other processes do not load what fetching needs. */
	fcgi_site_close(&f->site);
	open_site(f, STACK_POOL, 1);
	wait_for_row(f, FETCHED, 1);
	assert_true(has_libcurl(jwks_process_of(f)));
	assert_false(has_libcurl(stack_supervisor(f->site.stack)));
	n = stack_workers(f->site.stack, pids, NELEMS(pids));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		assert_false(has_libcurl(pids[i]));
}

TEST_GROUP_FIXTURE(start_idp, stop_idp);
