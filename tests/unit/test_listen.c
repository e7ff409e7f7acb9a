/* SPDX-License-Identifier: ISC */
#include "pool/listen.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/testpoint.h"
#include "support/child.h"
#include "support/fcgi_client.h"
#include "support/process.h"
#include "support/test.h"

struct fixture {
	char dir[64];
	char path[96];
	char spec[128];
	char why[256];
};

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-listen-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
	(void)snprintf(f->spec, sizeof(f->spec), "unix:%s", f->path);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	process_remove_tree(f->dir);
	test_free(f);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static enum err
try(struct fixture *f, const char *spec, bool allow_remote, struct listener *l)
{
	f->why[0] = '\0';
	return listen_open(spec, allow_remote, f->why, sizeof(f->why), l);
}

static void
assert_refused(struct fixture *f, const char *spec, enum err expect)
{
	struct listener l;

	assert_int_equal(try(f, spec, false, &l), expect);
	assert_int_equal(l.fd, -1);
	assert_true(f->why[0] != '\0');
	assert_null(strchr(f->why, '\n'));
}

TEST(listen_binds_a_path_and_removes_it, struct fixture *f)
{
	struct listener l;
	struct stat st;
	int fd;

	assert_int_equal(try(f, f->spec, false, &l), ERR_OK);
	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_true((fcntl(l.fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(l.fd, F_GETFD) & FD_CLOEXEC) != 0);
	fd = fcgi_connect_unix(f->path);
	assert_true(fd >= 0);
	close(fd);
	listen_close(&l);
	assert_int_equal(lstat(f->path, &st), -1);
}

TEST(listen_replaces_only_an_unserved_socket, struct fixture *f)
{
	struct listener first, second;
	struct stat st;
	int fd;

	assert_int_equal(try(f, f->spec, false, &first), ERR_OK);
	assert_refused(f, f->spec, ERR_UNAVAILABLE);
	/* As a pool leaves it that was killed. */
	close(first.fd);
	assert_int_equal(try(f, f->spec, false, &second), ERR_OK);
	/* The late end of the first must not take the second's away. */
	first.fd = -1;
	listen_close(&first);
	assert_int_equal(lstat(f->path, &st), 0);
	listen_close(&second);

	fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_refused(f, f->spec, ERR_UNAVAILABLE);
	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

/* Existing connections are served to their end; new ones are refused. */
/* A killed pool leaves a socket that nothing listens on. */
static void
leave_stale(const struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, f->path, sizeof(f->path));
	assert_true(fd >= 0);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void
open_and_serve(void *ctx)
{
	struct fixture *f = ctx;
	struct listener l;
	int fd;

	child_check(try(f, f->spec, false, &l) == ERR_OK);
	TESTPOINT("test:serving");
	fd = accept(l.fd, NULL, NULL);
	child_check(fd >= 0);
	close(fd);
	listen_close(&l);
}

static void
open_in_vain(void *ctx)
{
	struct fixture *f = ctx;
	struct listener l;

	child_check(try(f, f->spec, false, &l) == ERR_UNAVAILABLE);
	child_check(strstr(f->why, "another program serves it") != NULL);
}

/* Both find the same stale socket; the second must not take the fresh one. */
TEST(of_two_that_find_a_stale_socket_one_has_it, struct fixture *f)
{
	pid_t first, second;
	struct stat st;
	int fd;

	child_points(f->dir);
	leave_stale(f);
	child_arm("listen:stale.once-hold");
	child_arm("test:serving.hold");
	first = child_start(open_and_serve, f);
	child_reached("listen:stale");
	child_arm("listen:waiting.hold");
	second = child_start(open_in_vain, f);
	child_reached("listen:waiting");
	child_release("listen:stale", first);
	child_reached("test:serving");
	child_disarm("listen:waiting.hold");
	child_passed(second);
	fd = fcgi_connect_unix(f->path);
	assert_true(fd >= 0);
	child_disarm("test:serving.hold");
	child_passed(first);
	close(fd);
	assert_int_equal(lstat(f->path, &st), -1);
}

TEST(listen_stop_refuses_new_ones_only, struct fixture *f)
{
	struct listener l;
	int early, accepted;

	assert_int_equal(try(f, f->spec, false, &l), ERR_OK);
	early = fcgi_connect_unix(f->path);
	assert_true(early >= 0);
	listen_stop(&l);
	assert_int_equal(fcgi_connect_unix(f->path), -1);
	accepted = accept(l.fd, NULL, NULL);
	assert_true(accepted >= 0);
	assert_int_equal(accept(l.fd, NULL, NULL), -1);
	close(accepted);
	close(early);
	listen_close(&l);
}

TEST(listen_binds_loopback_only, struct fixture *f)
{
	static const char *const remote[] = { "0.0.0.0", "[::]", "192.0.2.1",
		"[::ffff:127.0.0.1]" };
	static const char *const local[] = { "127.0.0.1", "localhost",
		"127.8.9.10" };
	struct listener l;
	char spec[64];

	for (size_t i = 0; i < NELEMS(remote); i++) {
		(void)snprintf(spec, sizeof(spec), "%s:%d", remote[i],
		    process_free_port());
		assert_refused(f, spec, ERR_INVALID);
		assert_non_null(strstr(f->why, "--allow-remote"));
	}
	(void)snprintf(spec, sizeof(spec), "0.0.0.0:%d", process_free_port());
	assert_int_equal(try(f, spec, true, &l), ERR_OK);
	listen_close(&l);
	for (size_t i = 0; i < NELEMS(local); i++) {
		int port = process_free_port();

		(void)snprintf(spec, sizeof(spec), "%s:%d", local[i], port);
		assert_int_equal(try(f, spec, false, &l), ERR_OK);
		listen_close(&l);
	}
}

TEST(listen_refuses_what_is_no_address, struct fixture *f)
{
	static const char *const bad[] = { "", ":", "unix:", "9000", ":9000",
		"127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
		"127.0.0.1:9x", "127.0.0.1: 90", "::1:9000", "[::1]9000",
		"[::1:9000", "example.org:9000", "/run/socket" };
	char spec[256];

	for (size_t i = 0; i < NELEMS(bad); i++)
		assert_refused(f, bad[i], ERR_INVALID);
	(void)snprintf(spec, sizeof(spec), "unix:%s/%0120d", f->dir, 0);
	assert_refused(f, spec, ERR_INVALID);
	(void)snprintf(spec, sizeof(spec), "unix:%s/none/s", f->dir);
	assert_refused(f, spec, ERR_UNAVAILABLE);
}

TEST(listen_takes_a_listening_socket_only, struct fixture *f)
{
	struct listener bound, taken;
	struct stat st;
	int fd;

	assert_int_equal(try(f, f->spec, false, &bound), ERR_OK);
	assert_int_equal(
	    listen_inherit(bound.fd, f->why, sizeof(f->why), &taken), ERR_OK);
	assert_int_equal(taken.fd, bound.fd);
	listen_stop(&taken);
	listen_close(&taken);
	/* The socket of another process still exists and is served. */
	assert_int_equal(lstat(f->path, &st), 0);
	fd = fcgi_connect_unix(f->path);
	assert_true(fd >= 0);
	assert_int_equal(
	    listen_inherit(fd, f->why, sizeof(f->why), &taken), ERR_INVALID);
	close(fd);
	listen_close(&bound);

	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(
	    listen_inherit(fd, f->why, sizeof(f->why), &taken), ERR_INVALID);
	close(fd);
	assert_int_equal(
	    listen_inherit(fd, f->why, sizeof(f->why), &taken), ERR_INVALID);
}

/* The variables of a parent, without a socket or for another process. */
TEST(a_socket_from_systemd_is_given, struct fixture *f)
{
	static const struct {
		const char *fds;
		bool mine, listening, given;
	} cases[] = {
		{ "1", true, true, true },
		{ "2", true, true, true },
		{ "1", false, true, false },
		{ "0", true, true, false },
		{ "x", true, true, false },
		{ NULL, true, true, false },
		{ "1", true, false, false },
	};
	int before = dup(LISTEN_FD_SYSTEMD);
	struct listener bound;
	int null, socket;
	char pid[16];

	assert_int_equal(try(f, f->spec, false, &bound), ERR_OK);
	/* Copies: the originals may be descriptor 3. */
	null = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, LISTEN_FD_SYSTEMD + 1);
	socket = fcntl(bound.fd, F_DUPFD_CLOEXEC, LISTEN_FD_SYSTEMD + 1);
	assert_true(null >= 0 && socket >= 0);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		(void)snprintf(pid, sizeof(pid), "%d",
		    (int)(cases[i].mine ? getpid() : getppid()));
		assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
		if (cases[i].fds != NULL)
			assert_int_equal(
			    setenv("LISTEN_FDS", cases[i].fds, 1), 0);
		else
			assert_int_equal(unsetenv("LISTEN_FDS"), 0);
		assert_int_equal(
		    dup2(cases[i].listening ? socket : null, LISTEN_FD_SYSTEMD),
		    LISTEN_FD_SYSTEMD);
		if ((listen_given() == LISTEN_FD_SYSTEMD) != cases[i].given)
			fail_msg("case %zu", i);
	}
	assert_int_equal(unsetenv("LISTEN_PID"), 0);
	assert_int_equal(unsetenv("LISTEN_FDS"), 0);
	if (before >= 0)
		(void)dup2(before, LISTEN_FD_SYSTEMD);
	else
		close(LISTEN_FD_SYSTEMD);
	close(before);
	close(null);
	close(socket);
	listen_close(&bound);
}
