/* SPDX-License-Identifier: ISC */
#include "base/testpoint.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

#define PATH_SIZE 128
#define WAIT_STEPS 20000 /* of 1 ms each */

struct fixture {
	char dir[64];
};

static const char *
path_of(const struct fixture *f, char path[PATH_SIZE], const char *name)
{
	snprintf(path, PATH_SIZE, "%s/%s", f->dir, name);
	return path;
}

static void
make(const struct fixture *f, const char *name)
{
	char path[PATH_SIZE];
	FILE *file = fopen(path_of(f, path, name), "w");

	assert_non_null(file);
	fclose(file);
}

static void
drop(const struct fixture *f, const char *name)
{
	char path[PATH_SIZE];

	assert_int_equal(unlink(path_of(f, path, name)), 0);
}

static bool
there(const struct fixture *f, const char *name)
{
	char path[PATH_SIZE];

	return access(path_of(f, path, name), F_OK) == 0;
}

/* Wait for ${name}; return the pid in it. */
static long
wait_for(const struct fixture *f, const char *name)
{
	static const struct timespec tick = { .tv_nsec = 1000000 };
	char path[PATH_SIZE];
	char line[32];
	FILE *file;

	for (int i = 0; !there(f, name); i++) {
		assert_true(i < WAIT_STEPS);
		nanosleep(&tick, NULL);
	}
	file = fopen(path_of(f, path, name), "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	return strtol(line, NULL, 10);
}

/* A child that reaches the point ${times} times and exits with 7. */
static pid_t
child_reaching(const char *name, int times)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < times; i++)
			TESTPOINT(name);
		_exit(7);
	}
	return pid;
}

static int
status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
assert_ended_well(pid_t pid)
{
	int status = status_of(pid);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void
assert_killed(pid_t pid)
{
	int status = status_of(pid);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

TEST(an_unknown_point_does_nothing, struct fixture *f)
{
	make(f, "other.hold");
	assert_ended_well(child_reaching("point", 1));
	drop(f, "other.hold");
}

TEST(a_hold_holds_until_it_is_gone, struct fixture *f)
{
	pid_t pid;

	make(f, "point.hold");
	pid = child_reaching("point", 1);
	assert_int_equal(wait_for(f, "point.reached"), pid);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	drop(f, "point.hold");
	assert_ended_well(pid);
	assert_false(there(f, "point.reached"));
}

TEST(a_kill_kills_one, struct fixture *f)
{
	make(f, "point.kill");
	assert_killed(child_reaching("point", 1));
	assert_false(there(f, "point.kill"));
	assert_ended_well(child_reaching("point", 1));
	make(f, "point.once-kill");
	assert_killed(child_reaching("point", 1));
	assert_ended_well(child_reaching("point", 1));
}

TEST(passes_are_counted, struct fixture *f)
{
	char path[PATH_SIZE], line[32];
	pid_t pids[2];
	FILE *file;

	assert_ended_well(child_reaching("point", 3));
	make(f, "point.count");
	for (int i = 0; i < 2; i++) {
		pids[i] = child_reaching("point", 2);
		assert_ended_well(pids[i]);
	}
	file = fopen(path_of(f, path, "point.count"), "r");
	assert_non_null(file);
	for (int i = 0; i < 4; i++) {
		assert_non_null(fgets(line, sizeof(line), file));
		assert_int_equal(strtol(line, NULL, 10), pids[i / 2]);
	}
	assert_null(fgets(line, sizeof(line), file));
	fclose(file);
	drop(f, "point.count");
}

TEST(once_holds_only_the_first, struct fixture *f)
{
	char held[64];
	pid_t first;

	make(f, "point.once-hold");
	first = child_reaching("point", 2);
	assert_int_equal(wait_for(f, "point.reached"), first);
	assert_false(there(f, "point.once-hold"));
	assert_ended_well(child_reaching("point", 5));
	assert_int_equal(waitpid(first, NULL, WNOHANG), 0);
	snprintf(held, sizeof(held), "point.hold.%ld", (long)first);
	drop(f, held);
	assert_ended_well(first);
}

static void *
reach_in_thread(void *arg)
{
	TESTPOINT("point");
	return arg;
}

TEST(one_thread_waits_while_others_pass, struct fixture *f)
{
	pthread_t held, passing;
	char name[64];

	make(f, "point.once-hold");
	assert_int_equal(pthread_create(&held, NULL, reach_in_thread, NULL), 0);
	assert_int_equal(wait_for(f, "point.reached"), getpid());
	assert_int_equal(
	    pthread_create(&passing, NULL, reach_in_thread, NULL), 0);
	assert_int_equal(pthread_join(passing, NULL), 0);
	snprintf(name, sizeof(name), "point.hold.%ld", (long)getpid());
	drop(f, name);
	assert_int_equal(pthread_join(held, NULL), 0);
	assert_false(there(f, "point.reached"));
}

TEST(the_clock_is_ahead_by_what_the_file_says, struct fixture *f)
{
	char path[PATH_SIZE];
	FILE *file;

	assert_int_equal(TESTPOINT_CLOCK(), 0);
	file = fopen(path_of(f, path, "clock"), "w");
	assert_non_null(file);
	fputs("-7200\n", file);
	fclose(file);
	assert_int_equal(TESTPOINT_CLOCK(), -7200);
	drop(f, "clock");
	assert_int_equal(TESTPOINT_CLOCK(), 0);
}

TEST(without_a_folder_points_do_nothing, struct fixture *f)
{
	make(f, "point.kill");
	unsetenv("LATCHKEY_TESTPOINT_DIR");
	assert_ended_well(child_reaching("point", 1));
	setenv("LATCHKEY_TESTPOINT_DIR", "", 1);
	assert_ended_well(child_reaching("point", 1));
	drop(f, "point.kill");
	setenv("LATCHKEY_TESTPOINT_DIR", f->dir, 1);
}

static int
set_up(void **state)
{
	static struct fixture f;
	const char *tmp = getenv("TMPDIR");

	snprintf(f.dir, sizeof(f.dir), "%s/testpoint-XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	if (mkdtemp(f.dir) == NULL ||
	    setenv("LATCHKEY_TESTPOINT_DIR", f.dir, 1) != 0)
		return -1;
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	return rmdir(f->dir); /* fails if a test left a file */
}

TEST_GROUP_FIXTURE(set_up, tear_down);
