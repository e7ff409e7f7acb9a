/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/child.h"

#define CAPTURE_MAX 8192

static int saved_stderr = -1;
static int pipe_ends[2];

static void
capture_start(void)
{
	assert_int_equal(pipe(pipe_ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(saved_stderr >= 0);
	assert_true(dup2(pipe_ends[1], STDERR_FILENO) >= 0);
}

static size_t
capture_stop(char text[CAPTURE_MAX])
{
	size_t len = 0;
	ssize_t n;

	assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
	close(saved_stderr);
	close(pipe_ends[1]);
	while ((n = read(pipe_ends[0], text + len, CAPTURE_MAX - 1 - len)) > 0)
		len += (size_t)n;
	close(pipe_ends[0]);
	text[len] = '\0';
	return len;
}

TEST(a_line_has_its_fixed_fields)
{
	static const char shape[] = "time=0000-00-00T00:00:00.000Z ";
	char text[CAPTURE_MAX], tail[128];

	log_set_level(LOG_LEVEL_INFO);
	capture_start();
	errno = ENOENT;
	log_event(LOG_LEVEL_WARN, "trying", "a=%d b=%s", 1, "x");
	assert_int_equal(errno, ENOENT);
	capture_stop(text);
	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		if (shape[i] == '0')
			assert_in_range(text[i], '0', '9');
		else
			assert_int_equal(text[i], shape[i]);
	}
	snprintf(tail, sizeof(tail),
	    "level=warn event=trying pid=%ld a=1 b=x\n", (long)getpid());
	assert_string_equal(text + sizeof(shape) - 1, tail);
}

TEST(lines_above_the_level_are_dropped)
{
	char text[CAPTURE_MAX];

	log_set_level(LOG_LEVEL_WARN);
	capture_start();
	log_event(LOG_LEVEL_INFO, "hidden", NULL);
	log_event(LOG_LEVEL_WARN, "shown", NULL);
	log_set_level(LOG_LEVEL_DEBUG);
	log_event(LOG_LEVEL_DEBUG, "also", NULL);
	capture_stop(text);
	log_set_level(LOG_LEVEL_INFO);
	assert_null(strstr(text, "hidden"));
	assert_non_null(strstr(text, "event=shown"));
	assert_non_null(strstr(text, "event=also"));
}

TEST(one_event_is_one_line)
{
	char text[CAPTURE_MAX], *end;

	capture_start();
	log_event(LOG_LEVEL_INFO, "evil", "v=%s", "a\nevent=forged\x1b[2J");
	capture_stop(text);
	end = strchr(text, '\n');
	assert_non_null(end);
	assert_string_equal(end, "\n");
	assert_non_null(strstr(text, "v=a?event=forged?[2J"));
}

TEST(a_long_line_is_cut_and_ends)
{
	char text[CAPTURE_MAX], value[6000];
	size_t len;

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	capture_start();
	log_event(LOG_LEVEL_INFO, "long", "v=%s", value);
	len = capture_stop(text);
	assert_in_range(len, 4000, 4096);
	assert_int_equal(text[len - 1], '\n');
	assert_int_equal(text[len - 2], 'v');
	assert_int_equal(strlen(text), len);
}

/* ---- a blocked standard error ---- */

enum full_kind { FULL_PIPE, FULL_SOCKET };

/* Replace standard error by a full one; return its read end. */
static int
fill_stderr(enum full_kind kind)
{
	static const char block[4096];
	int ends[2], flags;

	if (kind == FULL_PIPE)
		child_check(pipe(ends) == 0);
	else
		child_check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	flags = fcntl(ends[1], F_GETFL);
	child_check(fcntl(ends[1], F_SETFL, flags | O_NONBLOCK) == 0);
	while (write(ends[1], block, sizeof(block)) > 0)
		;
	child_check(errno == EAGAIN);
	child_check(fcntl(ends[1], F_SETFL, flags) == 0);
	child_check(dup2(ends[1], STDERR_FILENO) >= 0);
	child_check(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	return ends[0];
}

/* Read what has arrived since it was filled. */
static void
drain(int fd, char text[CAPTURE_MAX])
{
	char block[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (block[i] != '\0' && len < CAPTURE_MAX - 1)
				text[len++] = block[i];
		}
	}
	text[len] = '\0';
}

static void
lose_lines(enum full_kind kind)
{
	int console = dup(STDERR_FILENO), fd = fill_stderr(kind);
	char text[CAPTURE_MAX];
	const char *lost, *next;

	for (int i = 0; i < 3; i++)
		log_event(LOG_LEVEL_INFO, "unread", NULL);
	/* Other users of the descriptor find its flags unchanged. */
	child_check((fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0);
	drain(fd, text);
	child_check(text[0] == '\0');
	log_event(LOG_LEVEL_INFO, "heard", NULL);
	log_event(LOG_LEVEL_INFO, "after", NULL);
	child_check(dup2(console, STDERR_FILENO) >= 0);
	drain(fd, text);
	lost = strstr(text, "event=log_lost ");
	next = strstr(text, "event=heard ");
	child_check(lost != NULL && next > lost);
	child_check(strstr(lost, " lines=3\n") != NULL);
	child_check(strstr(next, "event=after ") != NULL);
	child_check(strstr(next, "log_lost") == NULL);
}

static void
write_to_full_stderr(void *ctx)
{
	alarm(60); /* it would block for ever */
	lose_lines(*(const enum full_kind *)ctx);
}

/* Another user opened it, and only that user may. */
static void
write_to_stderr_that_cannot_be_reopened(void *ctx)
{
	child_refuse(SYS_openat, O_NONBLOCK, EACCES);
	write_to_full_stderr(ctx);
}

TEST(lost_lines_are_counted)
{
	enum full_kind kind = FULL_PIPE;

	child_passed(child_start(write_to_full_stderr, &kind));
	child_passed(
	    child_start(write_to_stderr_that_cannot_be_reopened, &kind));
	kind = FULL_SOCKET;
	child_passed(child_start(write_to_full_stderr, &kind));
}

TEST(quoting_escapes_everything)
{
	char dst[LOG_QUOTED_SIZE], text[600];

	assert_string_equal(log_quote(dst, "plain text"), "\"plain text\"");
	assert_string_equal(log_quote(dst, ""), "\"\"");
	assert_string_equal(log_quote(dst, NULL), "\"\"");
	assert_string_equal(log_quote(dst, "a\"b\\c\n\x7f\xc3\xa9"),
	    "\"a\\\"b\\\\c\\x0a\\x7f\\xc3\\xa9\"");
	/* Cut at a whole escape and still quoted, at any offset. */
	for (size_t lead = 0; lead < 8; lead++) {
		memset(text, 'a', lead);
		memset(text + lead, '\n', sizeof(text) - lead - 1);
		text[sizeof(text) - 1] = '\0';
		log_quote(dst, text);
		assert_in_range(strlen(dst), 240, LOG_QUOTED_SIZE - 1);
		assert_string_equal(dst + strlen(dst) - 5, "\\x0a\"");
	}
}

TEST(levels_have_names)
{
	enum log_level level;

	assert_int_equal(log_level_from("error", &level), 0);
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_int_equal(log_level_from("warn", &level), 0);
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_int_equal(log_level_from("info", &level), 0);
	assert_int_equal(level, LOG_LEVEL_INFO);
	assert_int_equal(log_level_from("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_from("Debug", &level), ERR_INVALID);
	assert_int_equal(level, LOG_LEVEL_INFO);
	assert_int_equal(log_level_from("", &level), ERR_INVALID);
}
