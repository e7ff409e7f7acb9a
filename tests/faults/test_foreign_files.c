/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/database.h"
#include "support/files.h"
#include "support/process.h"
#include "support/stack.h"
#include "support/web.h"

/*
 * What is none of ours, or broken, where the database should be: the start is
 * refused in one clear line, and not a byte of it is changed.
 */

#define REFUSE_MS 15000

struct fixture {
	char dir[64];
	char db[100];
};

static void
set_up(struct fixture *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-foreign-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", f->dir);
}

static void
tear_down(struct fixture *f)
{
	process_remove_tree(f->dir);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static size_t
count_lines(const char *path, const char *with)
{
	struct buf log = { 0 };
	size_t n = 0;

	files_read(path, &log);
	buf_append(&log, "", 1);
	for (const char *at = log.data; (at = strstr(at, with)) != NULL;
	     at += strlen(with))
		n++;
	buf_clear(&log);
	return n;
}

static void
print_file(const char *path)
{
	struct buf all = { 0 };

	files_read(path, &all);
	print_error("%.*s\n", (int)all.len, all.data);
	buf_clear(&all);
}

/* Its own socket and log; the start must fail by itself, for ${reason}. */
static void
start_is_refused(struct fixture *f, const char *reason)
{
	char listen[100], log[100], db[120];
	const char *const argv[] = { getenv("LATCHKEY_PROGRAM"), "serve",
		"--listen", listen, "--workers", "1", NULL };
	const char *const env[] = { db, "REDIS_ENABLED=false", NULL };
	struct process_options p = {
		.argv = argv, .env = env, .log = log, .stdin_fd = -1
	};
	int status;

	assert_non_null(argv[0]);
	snprintf(listen, sizeof(listen), "unix:%s/fcgi.sock", f->dir);
	snprintf(log, sizeof(log), "%s/log", f->dir);
	snprintf(db, sizeof(db), "DATABASE_URL=sqlite:%s", f->db);
	unlink(log);
	status = process_stop(process_start(&p), 0, REFUSE_MS);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 ||
	    count_lines(log, "event=store_refused") != 1 ||
	    !stack_file_contains(log, reason)) {
		print_file(log);
		fail_msg("status %d, wanted 1 and: %s", status, reason);
	}
}

/* It and what may lie beside it. */
struct kept {
	struct buf file[3];
	bool there[3];
	struct stat st;
};

static const char *const suffixes[] = { "", "-wal", "-journal" };

static void
path_of(const struct fixture *f, size_t i, char path[128])
{
	snprintf(path, 128, "%s%s", f->db, suffixes[i]);
}

static void
keep(const struct fixture *f, struct kept *k)
{
	char path[128];

	memset(k, 0, sizeof(*k));
	assert_int_equal(stat(f->db, &k->st), 0);
	for (size_t i = 0; i < NELEMS(suffixes); i++) {
		path_of(f, i, path);
		k->there[i] = access(path, F_OK) == 0;
		if (k->there[i])
			files_read(path, &k->file[i]);
	}
}

static void
assert_kept(const struct fixture *f, struct kept *k)
{
	char path[128];
	struct stat now;

	assert_int_equal(stat(f->db, &now), 0);
	assert_int_equal(now.st_ino, k->st.st_ino);
	assert_int_equal(now.st_mtim.tv_sec, k->st.st_mtim.tv_sec);
	assert_int_equal(now.st_mtim.tv_nsec, k->st.st_mtim.tv_nsec);
	for (size_t i = 0; i < NELEMS(suffixes); i++) {
		path_of(f, i, path);
		assert_int_equal(access(path, F_OK) == 0, k->there[i]);
		if (k->there[i])
			assert_true(files_hold(path, &k->file[i]));
		buf_clear(&k->file[i]);
	}
}

static void
refused_and_kept(struct fixture *f, const char *reason)
{
	struct kept k;

	keep(f, &k);
	start_is_refused(f, reason);
	start_is_refused(f, reason);
	assert_kept(f, &k);
}

TEST(a_text_is_refused)
{
	char text[9000];

	memset(text, 'x', sizeof(text));
	for (size_t len = 1; len <= sizeof(text); len *= 20) {
		struct fixture *f = *state;

		files_write(f->db, text, len);
		refused_and_kept(f, "not a database");
	}
}

TEST(another_programs_database_is_refused, struct fixture *f)
{
	database_run(f->db,
	    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);"
	    "INSERT INTO users VALUES (1, 'a user');");
	refused_and_kept(f, "another program");
}

/* The log beside it holds half of it. */
TEST(another_programs_log_is_left_alone, struct fixture *f)
{
	database_run(f->db,
	    "PRAGMA journal_mode = WAL; PRAGMA application_id = 77;"
	    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);");
	database_run(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	database_run(f->db, "INSERT INTO users VALUES (1, 'a user');");
	refused_and_kept(f, "another program");
	assert_int_equal(database_int(f->db, "SELECT count(*) FROM users"), 1);
}

/* A site's database, its log copied back, with no process using it. */
static void
make_ours(struct fixture *f, int people)
{
	struct stack_options options = { .workers = 1, .no_redis = true };
	struct web_reply reply = { 0 };
	struct stack *s;
	struct web *web;
	char email[64];

	options.dir = f->dir;
	s = stack_new(&options);
	web = web_new(stack_base(s));
	for (int i = 0; i < people; i++) {
		snprintf(email, sizeof(email), "person%d@example.org", i);
		web_register(web, email, &reply);
		web_forget(web);
	}
	web_reply_clear(&reply);
	web_free(web);
	stack_free(s);
	database_run(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	database_check(f->db);
}

TEST(a_newer_version_is_refused, struct fixture *f)
{
	make_ours(f, 2);
	database_run(f->db, "PRAGMA user_version = 1000");
	database_run(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	refused_and_kept(f, "newer version");
}

#define PAGE 4096

TEST(a_flipped_page_is_refused, struct fixture *f)
{
	char junk[PAGE];
	struct stat st;

	make_ours(f, 25);
	assert_int_equal(stat(f->db, &st), 0);
	memset(junk, 0xa5, sizeof(junk));
	files_put(f->db, st.st_size / PAGE / 2 * PAGE, junk, sizeof(junk));
	refused_and_kept(f, "damaged");
}

TEST(half_a_database_is_refused, struct fixture *f)
{
	struct stat st;

	make_ours(f, 25);
	assert_int_equal(stat(f->db, &st), 0);
	assert_int_equal(truncate(f->db, st.st_size / PAGE / 2 * PAGE), 0);
	refused_and_kept(f, "damaged");
}
