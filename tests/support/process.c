/* SPDX-License-Identifier: ISC */
#include "support/process.h"

#include "support/test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void
pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* In the child: nothing that is not async-signal-safe in spirit. */
static void
become(const struct process_options *o, pid_t parent)
{
	int in, out;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(126);
	setpgid(0, 0);
	in = o->stdin_fd >= 0 ? o->stdin_fd : open("/dev/null", O_RDONLY);
	out = open(o->log != NULL ? o->log : "/dev/null",
	    O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (in < 0 || out < 0)
		_exit(126);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	/* What tests/run tells the tests is no option of the program's. */
	unsetenv("LATCHKEY_PROGRAM");
	unsetenv("LATCHKEY_TEST_PROGRAM");
	for (size_t i = 0; o->env != NULL && o->env[i] != NULL; i++)
		putenv((char *)(uintptr_t)o->env[i]);
	execvp(o->argv[0], (char *const *)(uintptr_t)o->argv);
	_exit(127);
}

pid_t
process_start(const struct process_options *o)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		become(o, parent);
	return pid;
}

int
process_stop(pid_t pid, int signal, int wait_ms)
{
	int status = 0;

	if (signal != 0)
		kill(pid, signal);
	for (int waited = 0; waited <= wait_ms; waited += 5) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid || (got < 0 && errno == ECHILD))
			return status;
		pause_ms(5);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (signal != SIGKILL)
		fail_msg("process %d did not end by itself", (int)pid);
	return status;
}

void
process_adopt(void)
{
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

size_t
process_children(pid_t pid, pid_t *pids, size_t max)
{
	char path[64];
	size_t n = 0;
	FILE *f;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
	    (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	while (n < max && fscanf(f, "%d", &child) == 1)
		pids[n++] = child;
	fclose(f);
	return n;
}

/* Threads of ${pid}; they may outlive the one that names it. */
static size_t
thread_count(pid_t pid)
{
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* The letter that proc(5) has for a thread; 'X' if there is none. */
static char
state_of(const char *stat_path)
{
	char line[256] = "", state = 'X';
	FILE *f = fopen(stat_path, "r");
	const char *end;

	if (f == NULL)
		return state;
	if (fgets(line, sizeof(line), f) != NULL &&
	    (end = strrchr(line, ')')) != NULL && end[1] == ' ')
		state = end[2];
	fclose(f);
	return state;
}

bool
process_alive(pid_t pid)
{
	char path[64], state;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	state = state_of(path);
	/* Until the last thread is gone, its descriptors are open. */
	return (state != 'Z' && state != 'X') || thread_count(pid) > 1;
}

/* Each thread: the first may have stopped while others still run. */
static bool
is_paused(void *ctx)
{
	const pid_t *pid = ctx;
	char folder[64], path[384];
	bool paused = true;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/task", (int)*pid);
	dir = opendir(folder);
	if (dir == NULL)
		return true; /* ended: it does nothing either */
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(
		    path, sizeof(path), "%s/%s/stat", folder, entry->d_name);
		paused = paused && strchr("TXZ", state_of(path)) != NULL;
	}
	closedir(dir);
	return paused;
}

void
process_pause(pid_t pid)
{
	kill(pid, SIGSTOP);
	if (!process_until(is_paused, &pid, 10000))
		fail_msg("process %d does not stop", (int)pid);
}

void
process_resume(pid_t pid)
{
	kill(pid, SIGCONT);
}

/*
 * Counted in looks of 2 ms, so a machine that is busy has longer; but a look
 * may take long as well, and four times is enough.
 */
bool
process_until(process_condition *what, void *ctx, int wait_ms)
{
	int64_t end = clock_system.mono_us() + (int64_t)wait_ms * 4000;

	for (int waited = 0; waited <= wait_ms; waited += 2) {
		if (what(ctx))
			return true;
		if (clock_system.mono_us() > end)
			return false;
		pause_ms(2);
	}
	return false;
}

/*
 * Bind ${port} and keep it: others who look for one do not get it, and a server
 * that sets SO_REUSEADDR, as all do, can bind it beside us since we do not
 * listen.
 */
static bool
reserve(int port)
{
	const struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	assert_true(fd >= 0);
	if (bind(fd, (const struct sockaddr *)&sin, sizeof(sin)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0)
		return true;
	close(fd);
	return false;
}

/* Below those that the kernel gives to clients, some thousand a second. */
int
process_free_port(void)
{
	for (int tries = 0; tries < 1000; tries++) {
		int port = 10000 + (int)randombytes_uniform(22000);

		if (reserve(port))
			return port;
	}
	fail_msg("no free port");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
	(void)st;
	(void)flag;
	(void)where;
	return remove(path);
}

void
process_remove_tree(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
