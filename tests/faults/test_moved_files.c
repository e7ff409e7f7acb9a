/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/async_request.h"
#include "support/database.h"
#include "support/files.h"
#include "support/process.h"
#include "support/signed_in_user.h"
#include "support/stack.h"
#include "support/write_stress.h"

/*
 * The database is moved away under the running site, and perhaps another file
 * put in its place: nothing acknowledged is lost, nothing is made anew, and
 * nothing is written to what was put there.
 */

#define API "/api/v1/auth"
#define WORKERS 2
#define BACK_MS 40000 /* a worker that keeps failing waits up to 10 s */

struct fixture {
	struct stack *stack;
	struct web *web;
	char db[160], away[100], moved[160];
	struct signed_in_user survivor;
};

static void
set_up(struct fixture *f)
{
	const struct stack_options options = { .workers = WORKERS,
		.no_redis = true };

	f->stack = stack_new(&options);
	f->web = web_new(stack_base(f->stack));
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", stack_dir(f->stack));
	snprintf(f->away, sizeof(f->away), "%s/away", stack_dir(f->stack));
	assert_int_equal(mkdir(f->away, 0700), 0);
	snprintf(f->moved, sizeof(f->moved), "%s/latchkey.db", f->away);
	signed_in_user_register(f->web, "survivor@example.org", &f->survivor);
}

static void
tear_down(struct fixture *f)
{
	stack_stop_pool(f->stack, SIGTERM);
	database_check(f->db);
	web_free(f->web);
	stack_free(f->stack);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

/* Or there would be too many sessions in the end, and the oldest be over. */
static bool
sign_out(struct fixture *f, struct web_reply *reply)
{
	const struct web_call logout = { .path = API "/logout", .body = "{}" };
	char session[64];

	snprintf(session, sizeof(session), "%s", web_text(reply, "session_id"));
	return web_as(f->web, &logout, session, reply) == 200;
}

/* In both threads of any worker; no answer is untrue. */
static bool
site_is_well(void *ctx)
{
	const struct web_call login = { .path = API "/login",
		.body = "{\"email\":\"survivor@example.org\",\"password\":"
			"\"" WEB_PASSWORD "\"}",
		.wait_ms = 5000 };
	struct fixture *f = ctx;
	struct web_reply reply = { 0 };
	bool well = true;

	for (int round = 0; well && round < 8; round++) {
		long me = signed_in_user_ask(
		    f->web, &f->survivor, SIGNED_IN_USER_COOKIE);
		long in = web_as(f->web, &login, NULL, &reply);

		if (me == 401 || in == 401)
			fail_msg("denied: %ld, %ld", me, in);
		well = me == 200 && in == 200 && sign_out(f, &reply);
	}
	web_reply_clear(&reply);
	return well;
}

struct old_workers {
	pid_t pids[WORKERS];
	size_t n;
};

static bool
are_gone(void *ctx)
{
	const struct old_workers *old = ctx;

	for (size_t i = 0; i < old->n; i++) {
		if (process_alive(old->pids[i]))
			return false;
	}
	return true;
}

/* Back in its place, the site works again by itself, with new workers. */
static void
put_back(struct fixture *f)
{
	struct old_workers old;

	old.n = stack_workers(f->stack, old.pids, WORKERS);
	assert_int_equal(old.n, WORKERS);
	files_move_database(f->moved, f->db);
	if (!process_until(are_gone, &old, BACK_MS))
		fail_msg("a worker that knows nothing stays");
	if (!process_until(site_is_well, f, BACK_MS))
		fail_msg("the site does not come back");
}

/* The survivor is told, in whichever way, to come again. */
static void
expect_503(struct fixture *f, unsigned credential_source)
{
	struct web_reply reply = { 0 };
	struct signed_in_user_call c;

	signed_in_user_question(&f->survivor,
	    (enum signed_in_user_way)(credential_source % SIGNED_IN_USER_WAYS),
	    &c);
	web_as(f->web, &c.call, c.cookie, &reply);
	web_expect(&reply, 503, "unavailable");
	assert_string_equal(web_header(&reply, "Retry-After"), "1");
	web_reply_clear(&reply);
}

/* A worker says so when it has looked, and answers from memory until then. */
static bool
all_have_looked(void *ctx)
{
	const struct fixture *f = ctx;
	struct buf log = { 0 };
	int n = 0;

	files_read(stack_log(f->stack), &log);
	buf_append(&log, "", 1);
	for (const char *at = log.data;
	     (at = strstr(at, "event=worker_outdated")) != NULL; at++)
		n++;
	buf_clear(&log);
	return n >= WORKERS;
}

/*
 * A worker looks at the file once a second, and until then answers what it
 * has in memory: nothing of that can end meanwhile, for changes look each
 * time.  After that it is 503 for as long as it lasts, for more than one look.
 */
static void
expect_unavailable(struct fixture *f)
{
	time_t end;

	if (!process_until(all_have_looked, f, 10000))
		fail_msg("answers from nothing go on");
	end = time(NULL) + 4;
	for (unsigned i = 0; time(NULL) < end; i++)
		expect_503(f, i);
}

static void
check_burst(struct fixture *f, struct write_stress *b)
{
	struct write_stress_person *people;
	size_t n;

	write_stress_stop(b);
	n = write_stress_people(b, &people);
	write_stress_free(b);
	write_stress_check(people, n, f->web);
	stack_stop_pool(f->stack, SIGTERM);
	database_check(f->db);
	stack_start_pool(f->stack);
	write_stress_check(people, n, f->web);
	free(people);
}

TEST(moved_away_in_a_burst, struct fixture *f)
{
	struct write_stress *b =
	    write_stress_start(stack_base(f->stack), "gone");

	write_stress_wait(b, 40);
	files_move_database(f->db, f->moved);
	expect_unavailable(f);
	assert_int_not_equal(access(f->db, F_OK), 0);
	assert_true(write_stress_refused(b) > 0);
	put_back(f);
	check_burst(f, b);
}

/* What is put in its place belongs to another program. */
TEST(another_put_in_its_place, struct fixture *f)
{
	struct write_stress *b =
	    write_stress_start(stack_base(f->stack), "other");
	struct buf bytes = { 0 };
	char other[160], wal[180];
	struct stat put, now;

	snprintf(other, sizeof(other), "%s/other.db", f->away);
	snprintf(wal, sizeof(wal), "%s-wal", f->db);
	database_run(other, "CREATE TABLE users (id INTEGER PRIMARY KEY);");
	files_read(other, &bytes);
	write_stress_wait(b, 40);
	files_move_database(f->db, f->moved);
	assert_int_equal(rename(other, f->db), 0);
	assert_int_equal(stat(f->db, &put), 0);
	expect_unavailable(f);
	assert_int_equal(stat(f->db, &now), 0);
	assert_int_equal(now.st_ino, put.st_ino);
	assert_int_equal(now.st_mtim.tv_sec, put.st_mtim.tv_sec);
	assert_int_equal(now.st_mtim.tv_nsec, put.st_mtim.tv_nsec);
	assert_true(files_hold(f->db, &bytes));
	assert_int_not_equal(access(wal, F_OK), 0);
	assert_true(
	    stack_file_contains(stack_log(f->stack), "event=worker_outdated"));
	assert_true(stack_file_contains(
	    stack_log(f->stack), "reason=\"a database of another program\""));
	assert_int_equal(unlink(f->db), 0);
	put_back(f);
	check_burst(f, b);
	buf_clear(&bytes);
}

/* A site of its own where the database was moved to. */
static void
check_moved(
    struct fixture *f, const struct write_stress_person *people, size_t n)
{
	const struct stack_options there = {
		.workers = 2, .no_redis = true, .dir = f->away
	};
	struct stack *s = stack_new(&there);
	struct web *web = web_new(stack_base(s));

	write_stress_check(people, n, web);
	web_free(web);
	stack_free(s);
}

/* A copy of what the database was is in its place: that one is served. */
TEST(a_backup_put_in_its_place, struct fixture *f)
{
	struct write_stress_person *people;
	struct write_stress *b;
	char backup[160], key[160], away_key[160];
	int64_t users;
	size_t n;

	snprintf(backup, sizeof(backup), "%s/backup.db", f->away);
	snprintf(key, sizeof(key), "%s/master.key", stack_dir(f->stack));
	snprintf(away_key, sizeof(away_key), "%s/master.key", f->away);
	files_copy(key, away_key);
	stack_stop_pool(f->stack, SIGTERM);
	database_run(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	files_copy(f->db, backup);
	users = database_int(backup, "SELECT count(*) FROM users");
	stack_start_pool(f->stack);

	b = write_stress_start(stack_base(f->stack), "backup");
	write_stress_wait(b, 40);
	write_stress_ask_to_stop(b);
	files_move_database(f->db, f->moved);
	assert_int_equal(rename(backup, f->db), 0);
	write_stress_stop(b);
	n = write_stress_people(b, &people);
	write_stress_free(b);
	assert_true(process_until(site_is_well, f, BACK_MS));
	assert_int_equal(
	    database_int(f->db, "SELECT count(*) FROM users"), users);
	stack_stop_pool(f->stack, SIGTERM);
	database_check(f->db);

	/* All that was acknowledged is in the one that was moved. */
	database_check(f->moved);
	check_moved(f, people, n);
	free(people);
	stack_start_pool(f->stack);
}

/*
 * The change is written but not committed when the file is moved: what is
 * acknowledged then is in the moved one.
 */
TEST(moved_away_before_a_commit, struct fixture *f)
{
	const struct web_call call = { .path = API "/register",
		.body = "{\"email\":\"late@example.org\",\"password\":"
			"\"" WEB_PASSWORD "\",\"name\":\"Late\"}" };
	struct buf text = { 0 };
	char impostor[160];
	struct async_request *e;
	long status;

	snprintf(impostor, sizeof(impostor), "%s/text", f->away);
	files_write(impostor, "no database at all\n", 19);
	files_read(impostor, &text);
	stack_point(f->stack, "change:written", "once-hold");
	e = async_request_start(stack_base(f->stack), &call, NULL);
	stack_point_wait(f->stack, "change:written");
	files_move_database(f->db, f->moved);
	assert_int_equal(rename(impostor, f->db), 0);
	stack_point_release(f->stack, "change:written");
	status = async_request_end(e, NULL);
	assert_true(status == 201 || status == 503);
	expect_unavailable(f);
	assert_true(files_hold(f->db, &text));
	assert_int_equal(unlink(f->db), 0);
	put_back(f);
	/* Told "cannot tell", it may be there or not. */
	assert_true(status == 503 ||
	    database_int(f->db,
		"SELECT count(*) FROM users WHERE email = "
		"'late@example.org'") == 1);
	buf_clear(&text);
}
