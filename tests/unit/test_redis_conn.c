/* SPDX-License-Identifier: ISC */
/* A fake server that replies wrongly, slowly or without end. */
#include "support/test.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"
#include "cache/redis.h"
#include "cache/redis_conn.h"
#include "support/child.h"
#include "support/process.h"

#define DEADLINE_MS 5000
#define SHORT_MS 100

/* What it sends on a connection once a command has arrived. */
struct script {
	const char *unasked; /* right after connecting, or NULL */
	const char *answer;
	size_t times;     /* how often the reply is sent; 0: never */
	int pause_us;     /* between its bytes; 0: all at once */
	bool hangs_up;    /* after the reply; otherwise it is silent */
	bool deaf;        /* it never reads */
	const char *late; /* on cue, or NULL */
};

struct liar {
	char dir[32];
	struct sockaddr_un address;
	int listener;
	const struct script
	    *scripts; /* the last one serves all further connections */
	size_t n;
	int cue[2], done[2];      /* pipes to the server and from it */
	_Atomic int *connections; /* so far; shared */
	pid_t pid;
	struct redis_options options;
	struct redis_conn *conn;
};

static void
say(int fd, const char *text, int pause_us)
{
	size_t len = strlen(text);

	if (pause_us == 0) {
		(void)!send(fd, text, len, MSG_NOSIGNAL);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (send(fd, text + i, 1, MSG_NOSIGNAL) != 1)
			return;
		usleep((useconds_t)pause_us);
	}
}

/* Wait until the client closes the connection. */
static void
tell(const struct liar *liar, int fd, const struct script *script)
{
	char question[65536];

	if (script->unasked != NULL)
		say(fd, script->unasked, 0);
	if (script->deaf) {
		struct pollfd hung_up = { .fd = fd };

		(void)poll(&hung_up, 1, 20000);
		return;
	}
	if (read(fd, question, sizeof(question)) <= 0)
		return;
	for (size_t i = 0; i < script->times; i++)
		say(fd, script->answer, script->pause_us);
	if (script->late != NULL) {
		child_check(read(liar->cue[0], question, 1) == 1);
		say(fd, script->late, 0);
		child_check(write(liar->done[1], "", 1) == 1);
	}
	while (!script->hangs_up && read(fd, question, sizeof(question)) > 0)
		;
}

static void
lie(void *ctx)
{
	const struct liar *liar = ctx;

	for (;;) {
		int fd = accept(liar->listener, NULL, NULL);
		size_t i = (size_t)(*liar->connections)++;

		child_check(fd >= 0);
		tell(liar, fd, &liar->scripts[i < liar->n ? i : liar->n - 1]);
		close(fd);
	}
}

static struct liar *
liar_new(const struct script *scripts, size_t n)
{
	struct liar *liar = calloc(1, sizeof(*liar));

	assert_non_null(liar);
	memcpy(liar->dir, "/tmp/latchkey-XXXXXX", 21);
	assert_non_null(mkdtemp(liar->dir));
	liar->address.sun_family = AF_UNIX;
	snprintf(liar->address.sun_path, sizeof(liar->address.sun_path),
	    "%s/liar.sock", liar->dir);
	liar->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(liar->listener >= 0);
	assert_int_equal(
	    bind(liar->listener, (const struct sockaddr *)&liar->address,
		sizeof(liar->address)),
	    0);
	assert_int_equal(listen(liar->listener, 16), 0);
	assert_int_equal(pipe(liar->cue), 0);
	assert_int_equal(pipe(liar->done), 0);
	liar->scripts = scripts;
	liar->n = n;
	liar->connections = child_shared(sizeof(*liar->connections));
	liar->pid = child_start(lie, liar);
	liar->options.deadline_ms = DEADLINE_MS;
	memcpy(liar->options.socket, liar->address.sun_path,
	    sizeof(liar->options.socket));
	assert_int_equal(
	    redis_conn_new(&liar->options, &clock_system, &liar->conn), ERR_OK);
	return liar;
}

static void
liar_free(struct liar *liar)
{
	redis_conn_free(liar->conn);
	child_kill(liar->pid);
	child_unshare((void *)liar->connections, sizeof(*liar->connections));
	close(liar->listener);
	for (int i = 0; i < 2; i++) {
		close(liar->cue[i]);
		close(liar->done[i]);
	}
	process_remove_tree(liar->dir);
	free(liar);
}

static enum err
ask(struct liar *liar, enum redis_expect expect, size_t n_values)
{
	struct buf values[REDIS_ARRAY_MAX] = { { 0 } };
	struct redis_batch batch = {
		.expect = expect, .values = values, .n_values = n_values
	};
	enum err err;

	redis_batch_put(&batch, 1, (const char *[]){ "X" }, (size_t[]){ 1 });
	err = redis_conn_run(liar->conn, &batch);
	redis_batch_clear(&batch);
	for (size_t i = 0; i < n_values; i++) {
		if (err != ERR_OK)
			assert_int_equal(values[i].len, 0);
		buf_clear(&values[i]);
	}
	return err;
}

/* Run a batch that expects ${expect} against one script. */
static void
assert_fails(struct script script, enum redis_expect expect, size_t n_values,
    const char *why)
{
	struct liar *liar = liar_new(&script, 1);

	assert_int_equal(ask(liar, expect, n_values), ERR_UNAVAILABLE);
	if (strstr(redis_conn_why(liar->conn), why) == NULL)
		fail_msg("not %s: %s", why, redis_conn_why(liar->conn));
	/* the batch is not sent again once a reply has begun */
	assert_int_equal(*liar->connections, 1);
	liar_free(liar);
}

TEST(wrong_replies_are_refused)
{
	static const struct {
		enum redis_expect expect;
		size_t n_values;
		const char *answer, *why;
	} cases[] = {
		{ REDIS_EXPECT_VALUE, 1, ":1\r\n", "unexpected" },
		{ REDIS_EXPECT_VALUE, 1, "+OK\r\n", "unexpected" },
		{ REDIS_EXPECT_VALUE, 1, "*1\r\n$1\r\nx\r\n", "unexpected" },
		{ REDIS_EXPECT_STATUS, 0, "$2\r\nOK\r\n", "unexpected" },
		{ REDIS_EXPECT_STATUS, 0, ":0\r\n", "unexpected" },
		{ REDIS_EXPECT_INTEGER, 0, "+1\r\n", "unexpected" },
		{ REDIS_EXPECT_INTEGER, 0, "$-1\r\n", "unexpected" },
		{ REDIS_EXPECT_VALUES, 2, "*1\r\n$1\r\nx\r\n", "unexpected" },
		{ REDIS_EXPECT_VALUES, 2,
		    "*3\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n", "unexpected" },
		{ REDIS_EXPECT_VALUES, 2, "*2\r\n$1\r\nx\r\n:1\r\n",
		    "unexpected" },
		{ REDIS_EXPECT_VALUES, 2, "*2\r\n*1\r\n", "protocol" },
		{ REDIS_EXPECT_VALUES, 2, "*129\r\n", "protocol" },
		{ REDIS_EXPECT_VALUES, 2, "*2000000000\r\n", "protocol" },
		{ REDIS_EXPECT_VALUES, 2, "*-2\r\n", "protocol" },
		{ REDIS_EXPECT_VALUE, 1, "HTTP/1.1 200 OK\r\n\r\n",
		    "protocol" },
		{ REDIS_EXPECT_VALUE, 1, "$x\r\n", "protocol" },
		{ REDIS_EXPECT_VALUE, 1, "$-2\r\n", "protocol" },
		{ REDIS_EXPECT_VALUE, 1, "$1\r\nx\r\n$1\r\ny\r\n",
		    "more replies" },
		{ REDIS_EXPECT_VALUE, 1, "$1\r\nx\r\n$", "more replies" },
		{ REDIS_EXPECT_STATUS, 0, "-ERR \r\n", "ERR" },
		{ REDIS_EXPECT_STATUS, 0, "-\r\n", "" },
		{ REDIS_EXPECT_STATUS, 0,
		    "-THISWORDISLONGERTHANANYERRORWORDOFREDIS x\r\n",
		    "THISWORD" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++)
		assert_fails(
		    (struct script){ .answer = cases[i].answer, .times = 1 },
		    cases[i].expect, cases[i].n_values, cases[i].why);
}

/* There is one deadline for the batch, however often a byte arrives. */
TEST(a_slow_reply_does_not_extend_the_deadline)
{
	static const struct script scripts[] = {
		{ .answer = "$1000000\r\n" },
		{ .answer = "$1000000\r\nxxxx",
		    .times = 100000,
		    .pause_us = 2000 },
		{ .answer = "*2\r\n$1000000\r\nxxxx",
		    .times = 100000,
		    .pause_us = 2000 },
		{ .answer = "+still", .times = 100000, .pause_us = 2000 },
	};

	for (size_t i = 0; i < NELEMS(scripts); i++) {
		struct liar *liar = liar_new(&scripts[i], 1);
		int64_t start = clock_system.mono_us();

		liar->options.deadline_ms = SHORT_MS;
		assert_int_equal(
		    ask(liar, REDIS_EXPECT_VALUES, 2), ERR_UNAVAILABLE);
		assert_string_equal(redis_conn_why(liar->conn), "timeout");
		assert_in_range(clock_system.mono_us() - start, SHORT_MS * 1000,
		    50 * SHORT_MS * 1000);
		liar_free(liar);
	}
}

TEST(an_endless_reply_is_refused)
{
	static const char piece[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	struct script script = { .unasked = "$536870912\r\n",
		.answer = piece,
		.times = 2 * REDIS_REPLY_BYTES_MAX / sizeof(piece) };
	struct liar *liar = liar_new(&script, 1);

	/* before the deadline */
	liar->options.deadline_ms = 20000;
	assert_int_equal(ask(liar, REDIS_EXPECT_VALUE, 1), ERR_UNAVAILABLE);
	assert_string_equal(redis_conn_why(liar->conn), "reply too long");
	liar_free(liar);
}

/* Retry once if the connection was closed while idle, never within a reply. */
TEST(a_batch_is_repeated_only_without_any_reply)
{
	static const struct script closes_idle[] = {
		{ .answer = "+OK\r\n", .times = 1, .hangs_up = true },
	};
	static const struct script closes_within[] = {
		{ .answer = "+O", .times = 1, .hangs_up = true },
	};
	static const struct script closes_always[] = {
		{ .times = 0, .hangs_up = true },
	};
	struct liar *liar = liar_new(closes_idle, 1);

	for (int i = 1; i <= 3; i++) {
		assert_int_equal(ask(liar, REDIS_EXPECT_STATUS, 0), ERR_OK);
		assert_int_equal(*liar->connections, i);
	}
	liar_free(liar);
	assert_fails(closes_within[0], REDIS_EXPECT_STATUS, 0, "closed");
	/* nor on a new connection */
	assert_fails(closes_always[0], REDIS_EXPECT_STATUS, 0, "closed");
}

/* Bytes that arrive between two batches are no reply to the second. */
TEST(unasked_bytes_answer_nothing)
{
	static const struct script scripts[] = {
		{ .answer = "+OK\r\n", .times = 1, .late = "$4\r\nlate\r\n" },
		{ .answer = "$4\r\ntrue\r\n", .times = 1 },
	};
	struct liar *liar = liar_new(scripts, 2);
	struct buf value = { 0 };
	char byte;
	struct redis_batch batch = {
		.expect = REDIS_EXPECT_VALUE, .values = &value, .n_values = 1
	};

	assert_int_equal(ask(liar, REDIS_EXPECT_STATUS, 0), ERR_OK);
	assert_int_equal(write(liar->cue[1], "", 1), 1);
	assert_int_equal(read(liar->done[0], &byte, 1), 1);
	redis_batch_put(&batch, 1, (const char *[]){ "X" }, (size_t[]){ 1 });
	assert_int_equal(redis_conn_run(liar->conn, &batch), ERR_OK);
	assert_int_equal(*liar->connections, 2);
	assert_string_equal(value.data, "true");
	redis_batch_clear(&batch);
	buf_clear(&value);
	liar_free(liar);
}

/* A reply before the command is sent leaves half of it unsent. */
TEST(a_reply_before_the_command_is_refused)
{
	/* Deaf: otherwise all may be sent before the reply is seen. */
	static const struct script hasty = { .unasked = "+OK\r\n",
		.deaf = true };
	static char much[8 * 1024 * 1024];
	struct liar *liar = liar_new(&hasty, 1);
	struct redis_batch batch = { .expect = REDIS_EXPECT_STATUS };

	liar->options.deadline_ms = 20000;
	redis_batch_put(
	    &batch, 1, (const char *[]){ much }, (size_t[]){ sizeof(much) });
	assert_int_equal(redis_conn_run(liar->conn, &batch), ERR_UNAVAILABLE);
	assert_string_equal(
	    redis_conn_why(liar->conn), "more replies than commands");
	redis_batch_clear(&batch);
	liar_free(liar);
}

/* The server listens, but its backlog is full. */
TEST(a_full_backlog_is_an_outage)
{
	static const struct script silent = { .times = 0 };
	struct liar *liar = liar_new(&silent, 1);
	int fds[64];
	size_t n = 0;

	process_pause(liar->pid);
	do {
		assert_true(n < NELEMS(fds));
		fds[n] = socket(
		    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(fds[n] >= 0);
	} while (connect(fds[n++], (const struct sockaddr *)&liar->address,
		     sizeof(liar->address)) == 0);
	assert_int_equal(ask(liar, REDIS_EXPECT_STATUS, 0), ERR_UNAVAILABLE);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	process_resume(liar->pid);
	liar_free(liar);
}
