/* SPDX-License-Identifier: ISC */
#include "support/child.h"

#include "base/err.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/process.h"

#define PATIENCE_MS 60000

pid_t
child_start(child_fn *fn, void *ctx)
{
	pid_t parent = getpid(), pid;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
	fn(ctx);
	_exit(0);
}

void
child_expect(bool ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	(void)dprintf(
	    STDERR_FILENO, "%s:%d: in a child: not %s\n", file, line, what);
	_exit(1);
}

void
child_refuse(int number, unsigned int flags, int error)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)number,
		    flags != 0 ? 0 : 2, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1),
		BPF_STMT(
		    BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { NELEMS(steps), steps };

	child_check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	child_check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static int
wait_for(pid_t pid, int options)
{
	int status;

	while (waitpid(pid, &status, options) < 0)
		assert_int_equal(errno, EINTR);
	return status;
}

void
child_passed(pid_t pid)
{
	int status = wait_for(pid, 0);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void
child_killed(pid_t pid)
{
	int status = wait_for(pid, 0);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

void
child_kill(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	child_killed(pid);
}

void
child_stopped(pid_t pid)
{
	assert_true(WIFSTOPPED(wait_for(pid, WUNTRACED)));
}

static void
point_path(char path[PATH_MAX], const char *file, const char *suffix)
{
	const char *dir = getenv("LATCHKEY_TESTPOINT_DIR");
	int n;

	assert_non_null(dir);
	n = snprintf(path, PATH_MAX, "%s/%s%s", dir, file, suffix);
	assert_true(n > 0 && n < PATH_MAX);
}

void
child_points(const char *dir)
{
	assert_int_equal(setenv("LATCHKEY_TESTPOINT_DIR", dir, 1), 0);
}

void
child_arm(const char *file)
{
	char path[PATH_MAX];
	int fd;

	point_path(path, file, "");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

void
child_disarm(const char *file)
{
	char path[PATH_MAX];

	point_path(path, file, "");
	assert_int_equal(unlink(path), 0);
}

static bool
is_there(void *ctx)
{
	return access(ctx, F_OK) == 0;
}

void
child_reached(const char *name)
{
	char path[PATH_MAX];

	point_path(path, name, ".reached");
	assert_true(process_until(is_there, path, PATIENCE_MS));
}

void
child_release(const char *name, pid_t pid)
{
	char file[128];
	int n = snprintf(file, sizeof(file), "%s.hold.%ld", name, (long)pid);

	assert_true(n > 0 && n < (int)sizeof(file));
	child_disarm(file);
}

void *
child_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

void
child_unshare(void *p, size_t size)
{
	assert_int_equal(munmap(p, size), 0);
}
