/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include "support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/database.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

/*
 * A full disk, which is a small file system of the test: logins fail, checks go
 * on, and logouts succeed.
 */

#define NOW TEST_USERS_NOW
#define DISK_OPTIONS "size=16m,mode=0700"

static const struct store_options options = { .write_wait_ms = 2000 };

struct fixture {
	struct table table;
	struct shm *m;
	struct store *st;
	struct person ann;
	struct store_actor actor;
	int sessions;
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	if (mount("none", f->table.dir, "tmpfs", 0, DISK_OPTIONS) != 0)
		fail_msg("a tmpfs cannot be mounted (see main)");
	f->m = shm_fixture_open(&f->table);
	assert_int_equal(
	    store_open(f->table.db, f->m, &options, &f->st), ERR_OK);
	f->actor = test_users_actor(NOW);
	assert_int_equal(
	    test_users_register(f->st, "ann", 1, NOW, &f->ann), ERR_OK);
	f->sessions = 1;
}

static void
tear_down(struct fixture *f)
{
	store_close(f->st);
	database_check(f->table.db);
	shm_detach(f->m);
	assert_int_equal(umount(f->table.dir), 0);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static void
filler_path(const struct fixture *f, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/filler", f->table.dir);
}

/* Write until nothing more fits. */
static void
fill_disk(const struct fixture *f)
{
	static const char block[4096] = { 1 };
	char path[PATH_MAX];
	int fd;

	filler_path(f, path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		continue;
	assert_int_equal(close(fd), 0);
}

static void
empty_disk(const struct fixture *f)
{
	char path[PATH_MAX];

	filler_path(f, path);
	assert_int_equal(unlink(path), 0);
}

static enum err
login(struct fixture *f)
{
	struct session s = test_users_session(f->sessions + 1, NOW);
	enum err err;

	err = store_session_open(
	    f->st, &f->actor, TEST_USERS_PROOF(&f->ann.user), &s);
	if (err == ERR_OK)
		f->sessions++;
	return err;
}

static bool
is_live(struct fixture *f, int n)
{
	bool live;

	assert_int_equal(test_users_live(f->st,
			     test_users_session(n, NOW).handle, NOW, &live),
	    ERR_OK);
	return live;
}

static enum err
logout(struct fixture *f, int n)
{
	return store_logout(
	    f->st, &f->actor, test_users_session(n, NOW).handle, NULL);
}

/* Fill the space that the log already has. */
static void
login_until_full(struct fixture *f)
{
	enum err err = ERR_OK;

	fill_disk(f);
	for (int i = 0; i < 2000 && err == ERR_OK; i++)
		err = login(f);
	assert_int_equal(err, ERR_UNAVAILABLE);
}

static off_t
reserve_size(const struct fixture *f)
{
	char path[PATH_MAX + 16];
	struct stat file;

	(void)snprintf(path, sizeof(path), "%s-ballast", f->table.db);
	return stat(path, &file) == 0 ? file.st_size : -1;
}

TEST(a_full_disk_allows_logouts_only, struct fixture *f)
{
	int64_t epoch, ended, removed;
	struct user_patch patch = { .name = "New" };
	struct person bob;
	struct user u;
	int before;

	for (int i = 0; i < 9; i++)
		assert_int_equal(login(f), ERR_OK);
	login_until_full(f);
	before = f->sessions;
	assert_true(reserve_size(f) > 0); /* logins may not use it */
	assert_int_equal(test_users_register(f->st, "bob", 5000, NOW, &bob),
	    ERR_UNAVAILABLE);
	assert_int_equal(
	    store_profile_update(f->st, &f->actor, f->ann.user.id, &patch, &u),
	    ERR_UNAVAILABLE);
	assert_false(is_live(f, before + 1));
	assert_true(is_live(f, before));

	assert_int_equal(logout(f, before), ERR_OK);
	assert_false(is_live(f, before));
	assert_int_equal(reserve_size(f), 0);
	/* Logouts may use the space it released. */
	assert_int_equal(login(f), ERR_UNAVAILABLE);
	assert_int_equal(logout(f, before - 1), ERR_OK);
	assert_int_equal(store_maintenance(f->st, NOW, &removed), ERR_OK);
	assert_int_equal(login(f), ERR_UNAVAILABLE);
	assert_int_equal(store_logout_all(f->st, &f->actor, f->ann.user.id,
			     NULL, &epoch, &ended),
	    ERR_OK);
	assert_false(is_live(f, before - 2));
	assert_int_equal(store_ping(f->st), ERR_OK);

	empty_disk(f);
	assert_int_equal(store_maintenance(f->st, NOW, &removed), ERR_OK);
	assert_true(reserve_size(f) > 0);
	f->ann.user.epoch = epoch;
	assert_int_equal(login(f), ERR_OK);
}

/* Hundreds, more than the reserve holds without maintenance. */
TEST(many_logouts_fit_on_a_full_disk, struct fixture *f)
{
	struct claims c;
	int64_t removed;
	bool revoked;

	login_until_full(f);
	for (int n = 0; n < 600; n++) {
		c = test_users_claims(&f->ann, n, NOW);
		assert_int_equal(
		    store_logout(f->st, &f->actor, NULL, &c), ERR_OK);
		assert_int_equal(
		    store_token_revoked(f->st, c.jti, &revoked), ERR_OK);
		assert_true(revoked);
		if (n % 50 == 0)
			assert_int_equal(
			    store_maintenance(f->st, NOW, &removed), ERR_OK);
	}
}

/* Until no space is left: then a logout fails and nothing is lost. */
TEST(a_logout_without_space_fails, struct fixture *f)
{
	enum err err = ERR_OK;
	int done = 0;

	login_until_full(f);
	while (err == ERR_OK && done < 20000) {
		struct claims c = test_users_claims(&f->ann, done, NOW);

		err = store_logout(f->st, &f->actor, NULL, &c);
		if (err == ERR_OK)
			done++;
	}
	assert_true(done > 100);
	if (err == ERR_OK)
		return; /* the log could always be copied back */
	assert_int_equal(err, ERR_UNAVAILABLE);
	assert_int_equal(
	    database_int(f->table.db, "SELECT count(*) FROM revoked_tokens"),
	    done);
	assert_int_equal(store_ping(f->st), ERR_OK);
	assert_true(is_live(f, 1));
	empty_disk(f);
	assert_int_equal(logout(f, 1), ERR_OK);
}

static void
reopen_in_child(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;
	struct store *st;
	struct user u;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(store_open(f->table.db, m, &options, &st) == ERR_OK);
	child_check(store_user_by_id(st, f->ann.user.id, &u) == ERR_OK);
	child_check(
	    store_logout(st, &f->actor, f->ann.session.handle, NULL) == ERR_OK);
}

/* A worker that starts now can check sessions and log out. */
TEST(a_start_on_a_full_disk_works, struct fixture *f)
{
	login_until_full(f);
	child_passed(child_start(reopen_in_child, f));
	assert_false(is_live(f, 1));
}

TEST_RUN()
{
	/*
	 * The mount namespace ends with the test.  Without the right to have
	 * one there is no small disk either; 77 means "skipped" to automake.
	 */
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		perror("a mount namespace of our own");
		return 77;
	}
	return test_run("tests", TEST_ALL, NULL, NULL);
}
