/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/timefmt.h"

/* PIPE_BUF: a write up to this size is atomic. */
#define LOG_LINE_MAX 4096

static const char *const log_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/*
 * The only mutable globals of base/: passing a log to every function would keep
 * error paths from logging.
 */
static _Atomic int log_level = LOG_LEVEL_INFO;
static _Atomic int64_t log_lost; /* lines not written and not yet reported */

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

enum err
log_level_from(const char *name, enum log_level *level_out)
{
	*level_out = LOG_LEVEL_INFO;
	for (size_t i = 0; i < NELEMS(log_names); i++) {
		if (strcmp(name, log_names[i]) == 0) {
			*level_out = (enum log_level)i;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

/* Bytes left in the line after ${used}, without that of the newline. */
static size_t
log_room(size_t used)
{
	return LOG_LINE_MAX - 1 - used;
}

/* Bytes that snprintf wrote into ${room}, given its result ${n}. */
static size_t
log_wrote(int n, size_t room)
{
	if (n < 0)
		return 0;
	return (size_t)n < room ? (size_t)n : room - 1;
}

/*
 * Another writer may fill a shared pipe after poll(2), and the write would
 * block.  Reopening gives a file description that can be non-blocking without
 * affecting the other writers.
 */
static ssize_t
write_to_pipe(const char *line, size_t len)
{
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, line, len);
	(void)close(fd);
	return n;
}

/* Descriptor 2 is shared, so O_NONBLOCK is not set on it. */
static bool
write_without_blocking(const char *line, size_t len)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct stat st;
	ssize_t n = -1;

	if (fstat(STDERR_FILENO, &st) != 0)
		return false;
	if (S_ISSOCK(st.st_mode))
		return send(STDERR_FILENO, line, len,
			   MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	if (S_ISFIFO(st.st_mode)) {
		n = write_to_pipe(line, len);
		if (n >= 0 || errno == EAGAIN)
			return n >= 0;
	}
	/* A file, a terminal, or a pipe that cannot be reopened. */
	if (poll(&ready, 1, 0) == 1)
		n = write(STDERR_FILENO, line, len);
	return n >= 0;
}

/* Write the fields of every line; return their length. */
static size_t
begin_line(char line[LOG_LINE_MAX], enum log_level level, const char *event)
{
	struct timespec now = { 0 };
	char when[TIMEFMT_SIZE];

	clock_gettime(CLOCK_REALTIME, &now);
	timefmt_utc(when, (int64_t)now.tv_sec);
	when[TIMEFMT_SIZE - 2] = '\0'; /* the Z comes after the fraction */
	return log_wrote(
	    snprintf(line, log_room(0),
		"time=%s.%03ldZ level=%s event=%s pid=%ld", when,
		now.tv_nsec / 1000000, log_names[level], event, (long)getpid()),
	    log_room(0));
}

/* Report how many lines were lost; false if that cannot be written. */
static bool
report_lost(void)
{
	int64_t lost = atomic_exchange(&log_lost, 0);
	char line[LOG_LINE_MAX];
	size_t len;

	if (lost == 0)
		return true;
	len = begin_line(line, LOG_LEVEL_WARN, "log_lost");
	len += log_wrote(
	    snprintf(line + len, log_room(len), " lines=%" PRId64 "\n", lost),
	    log_room(len));
	if (write_without_blocking(line, len))
		return true;
	atomic_fetch_add(&log_lost, lost);
	return false;
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	int saved_errno = errno;
	char line[LOG_LINE_MAX];
	size_t len, start;
	va_list ap;

	if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed))
		return;
	len = begin_line(line, level, event);
	if (fmt != NULL && fmt[0] != '\0') {
		line[len++] = ' ';
		start = len;
		errno = saved_errno; /* for %m */
		va_start(ap, fmt);
		len += log_wrote(vsnprintf(line + len, log_room(len), fmt, ap),
		    log_room(len));
		va_end(ap);
		/* One event is one line, whatever the values contain. */
		for (size_t i = start; i < len; i++) {
			if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
				line[i] = '?';
		}
	}
	line[len++] = '\n';
	if (!report_lost() || !write_without_blocking(line, len))
		atomic_fetch_add(&log_lost, 1);
	errno = saved_errno;
}

const char *
log_quote(char dst[LOG_QUOTED_SIZE], const char *text)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)(text ? text : "");
	size_t n = 0;

	dst[n++] = '"';
	/* The longest escape has 4 bytes; quote and NUL follow. */
	for (; *p != '\0' && n + 4 + 2 <= LOG_QUOTED_SIZE; p++) {
		if (*p == '"' || *p == '\\') {
			dst[n++] = '\\';
			dst[n++] = (char)*p;
		} else if (*p < 0x20 || *p > 0x7e) {
			/* No byte that a terminal interprets. */
			dst[n++] = '\\';
			dst[n++] = 'x';
			dst[n++] = digits[*p >> 4];
			dst[n++] = digits[*p & 15];
		} else {
			dst[n++] = (char)*p;
		}
	}
	dst[n++] = '"';
	dst[n] = '\0';
	return dst;
}
