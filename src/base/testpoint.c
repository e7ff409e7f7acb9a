/* SPDX-License-Identifier: ISC */
#include "base/testpoint.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef LATCHKEY_TESTPOINTS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* A test that died must not leave a process behind. */
#define TESTPOINT_HOLD_MS 30000

/* Write the path of "${name}.${suffix}"; too long a path is a broken test. */
static void
testpoint_path(
    char path[PATH_MAX], const char *dir, const char *name, const char *suffix)
{
	int n = snprintf(path, PATH_MAX, "%s/%s.%s", dir, name, suffix);

	if (n < 0 || n >= PATH_MAX)
		abort();
}

/* Create ${path} with our pid in it, atomically. */
static void
testpoint_announce(const char *path)
{
	char draft[PATH_MAX];
	FILE *file;
	int n;

	n = snprintf(draft, sizeof(draft), "%s.%ld.%ld", path, (long)getpid(),
	    (long)gettid());
	if (n < 0 || n >= (int)sizeof(draft))
		abort();
	file = fopen(draft, "we");
	if (file == NULL || fprintf(file, "%ld\n", (long)getpid()) < 0 ||
	    fclose(file) != 0 || rename(draft, path) != 0)
		abort();
}

/* Report that ${name} is reached and wait until ${held} is gone. */
static void
testpoint_wait(const char *dir, const char *name, const char *held)
{
	static const struct timespec tick = { .tv_nsec = 1000000 };
	char reached[PATH_MAX];

	testpoint_path(reached, dir, name, "reached");
	testpoint_announce(reached);
	for (int ms = 0; access(held, F_OK) == 0; ms++) {
		if (ms >= TESTPOINT_HOLD_MS) {
			fprintf(stderr, "test point %s held too long\n", name);
			abort();
		}
		nanosleep(&tick, NULL);
	}
	unlink(reached);
}

static bool
testpoint_remove(const char *dir, const char *name, const char *suffix)
{
	char path[PATH_MAX];

	testpoint_path(path, dir, name, suffix);
	return unlink(path) == 0; /* of several processes one succeeds */
}

/* One write, so that lines of several processes do not mix. */
static void
testpoint_count(const char *dir, const char *name)
{
	char path[PATH_MAX], line[24];
	int fd, n;

	testpoint_path(path, dir, name, "count");
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return;
	n = snprintf(line, sizeof(line), "%ld\n", (long)gettid());
	if (n < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

void
testpoint_reach(const char *name)
{
	const char *dir = getenv("LATCHKEY_TESTPOINT_DIR");
	char path[PATH_MAX], mine[PATH_MAX], suffix[32];
	int saved_errno = errno;

	if (dir == NULL || dir[0] == '\0')
		return;
	if (testpoint_remove(dir, name, "kill") ||
	    testpoint_remove(dir, name, "once-kill"))
		kill(getpid(), SIGKILL);

	testpoint_count(dir, name);
	testpoint_path(path, dir, name, "once-hold");
	snprintf(suffix, sizeof(suffix), "hold.%ld", (long)getpid());
	testpoint_path(mine, dir, name, suffix);
	if (rename(path, mine) == 0)
		testpoint_wait(dir, name, mine);

	testpoint_path(path, dir, name, "hold");
	if (access(path, F_OK) == 0)
		testpoint_wait(dir, name, path);
	errno = saved_errno;
}

int64_t
testpoint_clock(void)
{
	const char *dir = getenv("LATCHKEY_TESTPOINT_DIR");
	char path[PATH_MAX], text[24];
	int saved_errno = errno;
	ssize_t n = 0;
	int fd;

	if (dir == NULL || dir[0] == '\0')
		return 0;
	if (snprintf(path, sizeof(path), "%s/clock", dir) >= PATH_MAX)
		abort();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	errno = saved_errno;
	return strtoll(text, NULL, 10);
}

#endif
