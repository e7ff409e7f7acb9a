/* SPDX-License-Identifier: ISC */
#include "pool/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "config/config.h"
#include "pool/listen.h"
#include "pool/master_fingerprint.h"
#include "pool/settle.h"
#include "pool/supervise.h"
#include "pool/worker.h"

#define EXIT_NOT_STARTED 1
#define EXIT_BAD_OPTION 2

/* Print one line for the person at the terminal, besides the log. */
static int
fail_start(int status, const char *why)
{
	fprintf(stderr, "latchkey: %s\n", why);
	return status;
}

static int
open_socket(const struct pool_options *options, struct listener *listener_out)
{
	char why[512];
	enum err err;

	if (options->listen != NULL)
		err = listen_open(options->listen, options->allow_remote, why,
		    sizeof(why), listener_out);
	else
		err = listen_inherit(
		    listen_given(), why, sizeof(why), listener_out);
	if (err == ERR_OK)
		return 0;
	return fail_start(
	    err == ERR_INVALID ? EXIT_BAD_OPTION : EXIT_NOT_STARTED, why);
}

/* On errors the reason has been logged. */
static int
check_secret(const struct config *config, struct master_fingerprint *mark_out)
{
	switch (master_fingerprint_read(config, mark_out)) {
	case ERR_OK: return 0;
	case ERR_INVALID: return EXIT_BAD_OPTION;
	default: return EXIT_NOT_STARTED;
	}
}

static int
write_pid_file(const char *path)
{
	char why[512];
	int fd;
	int n;

	if (path == NULL)
		return 0;
	fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	n = fd >= 0 ? dprintf(fd, "%d\n", (int)getpid()) : -1;
	if (fd >= 0)
		close(fd);
	if (n > 0)
		return 0;
	(void)snprintf(why, sizeof(why), "cannot write the pid file %.128s: %s",
	    path, strerror(errno));
	return fail_start(EXIT_NOT_STARTED, why);
}

/* Read /proc/self/cmdline: the arguments, each ended by a NUL. */
static enum err
read_arguments(struct buf *words)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	char chunk[1024];
	ssize_t n = -1;

	if (fd < 0)
		return ERR_UNAVAILABLE;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_append(words, chunk, (size_t)n);
	close(fd);
	return n == 0 && !words->failed && words->len > 0 ? ERR_OK
							  : ERR_UNAVAILABLE;
}

/* Execute the program by its path if it has one, which ps(1) then shows. */
static void
exec_self(char **argv)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len > 0) {
		path[len] = '\0';
		(void)execv(path, argv);
	}
	(void)execv("/proc/self/exe", argv);
}

/*
 * Execute the program again under the same pid: the parent, which passed the
 * socket on descriptor 0, watches the pid and would not start another process.
 * Return only on failure.
 */
static int
restart(void)
{
	struct buf words = { 0 };
	char **argv = NULL;
	size_t n = 0;

	if (read_arguments(&words) == ERR_OK)
		argv = calloc(words.len + 1, sizeof(*argv));
	if (argv != NULL) {
		for (size_t at = 0; at < words.len;
		     at += strlen(words.data + at) + 1)
			argv[n++] = words.data + at;
		exec_self(argv);
	}
	log_event(LOG_LEVEL_ERROR, "restart_failed", "errno=%d", errno);
	free(argv);
	buf_clear(&words);
	return EXIT_NOT_STARTED;
}

/* Without a supervisor: this process is the worker. */
static int
run_alone(const struct pool_options *options, const struct listener *listener,
    struct master_fingerprint *fingerprint, struct config *config)
{
	const struct worker_options worker = {
		.listen_fd = listener->fd,
		.alone = true,
		.config_path = options->config_path,
		.master_fingerprint = fingerprint,
		.ready_fd = -1,
	};
	enum worker_end end = worker_run(config, &worker);

	if (end == WORKER_DRAINED)
		settle(config);
	config_free(config);
	switch (end) {
	case WORKER_DRAINED: return 0;
	case WORKER_RELOAD:
	case WORKER_REPLACE: return restart();
	case WORKER_REFUSED:
	case WORKER_FAILED: break;
	}
	return EXIT_NOT_STARTED;
}

int
pool_run(const struct pool_options *options, struct config *config)
{
	struct master_fingerprint fingerprint;
	struct listener listener;
	int status;

	/* The reader of the log may go away, which must not end the pool. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* Process managers send these to reopen logs, of which there are none.
	 */
	(void)signal(SIGUSR1, SIG_IGN);
	(void)signal(SIGUSR2, SIG_IGN);
	/* Neither a core dump nor another process of this user has secrets. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	status = check_secret(config, &fingerprint);
	if (status == 0)
		status = open_socket(options, &listener);
	if (status != 0) {
		config_free(config);
		return status;
	}
	status = write_pid_file(options->pid_file);
	if (status != 0) {
		config_free(config);
		listen_close(&listener);
		return status;
	}
	if (options->alone)
		status = run_alone(options, &listener, &fingerprint, config);
	else
		status = supervise(options, &listener, &fingerprint, config);
	listen_close(&listener);
	if (options->pid_file != NULL)
		(void)unlink(options->pid_file);
	return status;
}
