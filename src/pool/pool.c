/* SPDX-License-Identifier: ISC */
#include "pool/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "config/config.h"
#include "pool/listen.h"
#include "pool/master_fingerprint.h"
#include "pool/supervise.h"
#include "pool/worker.h"

#define EXIT_NOT_STARTED 1
#define EXIT_BAD_OPTION 2

/* One clear line for whoever typed it, beside the log. */
static int
say(int status, const char *why)
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
		err = listen_take(STDIN_FILENO, why, sizeof(why), listener_out);
	if (err == ERR_OK)
		return 0;
	return say(
	    err == ERR_INVALID ? EXIT_BAD_OPTION : EXIT_NOT_STARTED, why);
}

/* The log has said why. */
static int
check_secret(const struct config *config, struct master_fingerprint *mark_out)
{
	switch (master_fingerprint_take(config, mark_out)) {
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
	return say(EXIT_NOT_STARTED, why);
}

/* Read all of /proc/self/cmdline: the words we were started with. */
static enum err
read_words(struct buf *words)
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

/* By its name if it still has one, so that it keeps it in ps(1), too. */
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
 * Begin anew under the same pid: whoever handed us the socket on descriptor 0
 * watches it, and would not start another.  Returns only on failure.
 */
static int
start_again(void)
{
	struct buf words = { 0 };
	char **argv = NULL;
	size_t n = 0;

	if (read_words(&words) == ERR_OK)
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

/* The socket was handed to this process alone: it is the worker. */
static int
work_alone(const struct pool_options *options, const struct listener *listener,
    struct master_fingerprint *mark, struct config *config)
{
	const struct worker_options worker = {
		.listen_fd = listener->fd,
		.alone = true,
		.config_path = options->config_path,
		.master_fingerprint = mark,
		.ready_fd = -1,
	};
	enum worker_end end = worker_run(config, &worker);

	config_free(config);
	switch (end) {
	case WORKER_DRAINED: return 0;
	case WORKER_RELOAD:
	case WORKER_REPLACE: return start_again();
	case WORKER_REFUSED:
	case WORKER_FAILED: break;
	}
	return EXIT_NOT_STARTED;
}

int
pool_run(const struct pool_options *options, struct config *config)
{
	struct master_fingerprint mark;
	struct listener listener;
	int status;

	/* Whoever reads our log may go away; nobody is signed out by that. */
	(void)signal(SIGPIPE, SIG_IGN);
	status = check_secret(config, &mark);
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
		status = work_alone(options, &listener, &mark, config);
	else
		status = supervise(options, &listener, &mark, config);
	listen_close(&listener);
	if (options->pid_file != NULL)
		(void)unlink(options->pid_file);
	return status;
}
