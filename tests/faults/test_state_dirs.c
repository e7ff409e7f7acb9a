/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm_file.h"
#include "shm/shm_layout.h"
#include "support/process.h"
#include "support/stack.h"

/*
 * Pools that share a database must share their memory too, however they are
 * told where it lies; pools of two databases must not.
 */

#define WAIT_MS 15000

struct fixture {
	char dir[64];
	int pools; /* started so far, each with a socket and a log of its own */
	pid_t running[4];
	char log[120];
};

static int
set_up(void **state)
{
	static const char *const folders[] = { "one", "two" };
	struct fixture *f = calloc(1, sizeof(*f));
	char path[100];

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-state-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	for (size_t i = 0; i < NELEMS(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < f->pools; i++)
		if (f->running[i] > 0)
			process_stop(f->running[i], SIGTERM, WAIT_MS);
	process_remove_tree(f->dir);
	free(f);
	return 0;
}

TEST_FIXTURE(set_up, tear_down);

/* ${state_dir} NULL: not set.  Both are names in the fixture's folder. */
static pid_t
start(struct fixture *f, const char *database, const char *state_dir)
{
	char listen[120], db[140], folder[140];
	const char *const argv[] = { getenv("LATCHKEY_PROGRAM"), "serve",
		"--listen", listen, "--workers", "1", NULL };
	const char *const env[] = { db, "REDIS_ENABLED=false",
		"LATCHKEY_MEMORY_CACHE_MB=1",
		"JWT_SECRET=8c1f0e5b7d2a49638c1f0e5b7d2a4963e4",
		state_dir != NULL ? folder : NULL, NULL };
	struct process_options p = {
		.argv = argv, .env = env, .log = f->log, .stdin_fd = -1
	};

	assert_non_null(argv[0]);
	snprintf(listen, sizeof(listen), "unix:%s/sock%d", f->dir, f->pools);
	snprintf(f->log, sizeof(f->log), "%s/log%d", f->dir, f->pools);
	snprintf(db, sizeof(db), "DATABASE_URL=sqlite:%s/%s", f->dir, database);
	snprintf(folder, sizeof(folder), "LATCHKEY_STATE_DIR=%s/%s", f->dir,
	    state_dir != NULL ? state_dir : "");
	return process_start(&p);
}

static bool
has_ready(void *ctx)
{
	return stack_file_contains(ctx, "event=worker_ready");
}

static void
serves(struct fixture *f, const char *database, const char *state_dir)
{
	f->running[f->pools] = start(f, database, state_dir);
	if (!process_until(has_ready, f->log, WAIT_MS))
		fail_msg("see %s", f->log);
	f->pools++;
}

static void
is_refused(struct fixture *f, const char *database, const char *state_dir,
    const char *line)
{
	int status = process_stop(start(f, database, state_dir), 0, WAIT_MS);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 ||
	    !stack_file_contains(f->log, line))
		fail_msg("status %d, wanted 1 and: %s", status, line);
	f->pools++;
}

TEST(two_state_directories_of_one_database_are_refused, struct fixture *f)
{

	serves(f, "one/latchkey.db", "one");
	is_refused(f, "one/latchkey.db", "two", "event=database_in_use");
	/* Once the first has gone, the other may have it. */
	process_stop(f->running[0], SIGTERM, WAIT_MS);
	f->running[0] = 0;
	serves(f, "one/latchkey.db", "two");
	is_refused(f, "one/latchkey.db", NULL, "event=database_in_use");
}

TEST(two_databases_of_one_state_directory_are_refused, struct fixture *f)
{

	serves(f, "one/latchkey.db", "one");
	is_refused(f, "two/latchkey.db", "one", "event=state_dir_in_use");
	is_refused(f, "one/other.db", NULL, "event=state_dir_in_use");
	serves(f, "two/latchkey.db", NULL);
}

/* Another name of the database, or of the folder, leads to the same memory. */
TEST(links_lead_to_one_memory, struct fixture *f)
{
	char from[100], to[100];

	serves(f, "one/latchkey.db", NULL);
	snprintf(to, sizeof(to), "%s/one/latchkey.db", f->dir);
	snprintf(from, sizeof(from), "%s/two/alias.db", f->dir);
	assert_int_equal(symlink(to, from), 0);
	snprintf(to, sizeof(to), "%s/one", f->dir);
	snprintf(from, sizeof(from), "%s/three", f->dir);
	assert_int_equal(symlink(to, from), 0);
	serves(f, "two/alias.db", NULL);
	serves(f, "three/latchkey.db", NULL);
	snprintf(from, sizeof(from), "%s/two/shared.mem", f->dir);
	assert_int_not_equal(access(from, F_OK), 0);
}

/* The file of older versions, <database>-table. */
TEST(an_older_version_that_runs_is_not_joined, struct fixture *f)
{
	char old[120];
	int fd;

	snprintf(old, sizeof(old), "%s/one/latchkey.db-table", f->dir);
	fd = open(old, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(shm_file_lock(fd, F_RDLCK, SHM_LAYOUT_LOCK_LIFE), 0);
	is_refused(f, "one/latchkey.db", NULL, "event=shm_version_mismatch");
	assert_int_equal(access(old, F_OK), 0);
	assert_int_equal(close(fd), 0);
	serves(f, "one/latchkey.db", NULL);
	assert_int_not_equal(access(old, F_OK), 0);
}
