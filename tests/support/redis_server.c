/* SPDX-License-Identifier: ISC */
#include "support/redis_server.h"

#include "support/test.h"

#include <hiredis/hiredis.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "support/process.h"

#define START_MS 60000
#define STOP_MS 60000
#define ARGS_MAX 40

struct redis_server {
	char dir[PATH_MAX / 2];
	char socket[108];
	const char *const *args;
	pid_t pid; /* 0: not running */
	bool paused;
	struct buf text; /* of the last reply */
};

static redisContext *
connect_to(const struct redis_server *s)
{
	redisContext *c = redisConnectUnix(s->socket);

	if (c != NULL && c->err != 0) {
		redisFree(c);
		c = NULL;
	}
	return c;
}

/* An error reply other than -LOADING is an answer too. */
static bool
answers(void *ctx)
{
	struct redis_server *s = ctx;
	redisContext *c;
	redisReply *reply;
	bool ok;

	if (!process_alive(s->pid))
		fail_msg("redis-server ended; see %s/redis.log", s->dir);
	c = connect_to(s);
	if (c == NULL)
		return false;
	reply = redisCommand(c, "PING");
	ok = reply != NULL &&
	    (reply->type != REDIS_REPLY_ERROR ||
		strncmp(reply->str, "LOADING", 7) != 0);
	if (reply != NULL)
		freeReplyObject(reply);
	redisFree(c);
	return ok;
}

void
redis_server_start(struct redis_server *s)
{
	const char *argv[ARGS_MAX] = { "redis-server", "--port", "0",
		"--unixsocket", s->socket, "--unixsocketperm", "700", "--dir",
		s->dir, "--save", "", "--appendonly", "no", "--daemonize", "no",
		"--pidfile", "" };
	char log[PATH_MAX];
	size_t n = 0;

	assert_int_equal(s->pid, 0);
	while (argv[n] != NULL)
		n++;
	for (size_t i = 0; s->args != NULL && s->args[i] != NULL; i++) {
		assert_true(n < ARGS_MAX - 1);
		argv[n++] = s->args[i];
	}
	snprintf(log, sizeof(log), "%s/redis.log", s->dir);
	s->pid = process_start(&(struct process_options){
	    .argv = argv, .log = log, .stdin_fd = -1 });
	if (!process_until(answers, s, START_MS))
		fail_msg("redis-server does not answer; see %s", log);
}

struct redis_server *
redis_server_new_with(const char *dir, const char *const *args)
{
	struct redis_server *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->args = args;
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	assert_true(snprintf(s->socket, sizeof(s->socket), "%s/redis.sock",
			dir) < (int)sizeof(s->socket));
	redis_server_start(s);
	return s;
}

struct redis_server *
redis_server_new(const char *dir)
{
	return redis_server_new_with(dir, NULL);
}

static void
end(struct redis_server *s, int sig)
{
	assert_int_not_equal(s->pid, 0);
	if (s->paused)
		redis_server_resume(s);
	process_stop(s->pid, sig, STOP_MS);
	s->pid = 0;
}

void
redis_server_stop(struct redis_server *s)
{
	end(s, SIGTERM);
}

void
redis_server_kill(struct redis_server *s)
{
	end(s, SIGKILL);
}

void
redis_server_free(struct redis_server *s)
{
	if (s == NULL)
		return;
	if (s->pid != 0)
		redis_server_kill(s);
	buf_clear(&s->text);
	free(s);
}

void
redis_server_pause(struct redis_server *s)
{
	process_pause(s->pid);
	s->paused = true;
}

void
redis_server_resume(struct redis_server *s)
{
	process_resume(s->pid);
	s->paused = false;
}

const char *
redis_server_socket(const struct redis_server *s)
{
	return s->socket;
}

pid_t
redis_server_pid(const struct redis_server *s)
{
	return s->pid;
}

/* ---- snapshots ---- */

static void
copy_file(const char *from, const char *to)
{
	char block[65536];
	FILE *in = fopen(from, "rb");
	FILE *out = fopen(to, "wb");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		assert_int_equal(fwrite(block, 1, n, out), n);
	assert_int_equal(ferror(in), 0);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void
snapshot_paths(
    const struct redis_server *s, char live[PATH_MAX], char kept[PATH_MAX])
{
	snprintf(live, PATH_MAX, "%s/dump.rdb", s->dir);
	snprintf(kept, PATH_MAX, "%s/dump.kept", s->dir);
}

void
redis_server_keep(struct redis_server *s)
{
	char live[PATH_MAX], kept[PATH_MAX];

	snapshot_paths(s, live, kept);
	redis_server_ask(s, "SAVE");
	copy_file(live, kept);
}

void
redis_server_bring_back(struct redis_server *s)
{
	char live[PATH_MAX], kept[PATH_MAX];

	snapshot_paths(s, live, kept);
	redis_server_kill(s);
	copy_file(kept, live);
	redis_server_start(s);
}

/* ---- commands ---- */

static void
put_reply(struct buf *out, const redisReply *reply)
{
	switch (reply->type) {
	case REDIS_REPLY_ERROR:
		buf_puts(out, "-");
		buf_append(out, reply->str, reply->len);
		break;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS: buf_append(out, reply->str, reply->len); break;
	case REDIS_REPLY_INTEGER:
		buf_printf(out, "%lld", reply->integer);
		break;
	case REDIS_REPLY_NIL: buf_puts(out, "(nil)"); break;
	case REDIS_REPLY_ARRAY:
		for (size_t i = 0; i < reply->elements; i++) {
			if (i > 0)
				buf_puts(out, " ");
			put_reply(out, reply->element[i]);
		}
		break;
	default: fail_msg("reply of type %d", reply->type);
	}
}

static const char *
ask(struct redis_server *s, const char *format, va_list ap)
{
	redisContext *c = connect_to(s);
	redisReply *reply;

	assert_non_null(c);
	reply = redisvCommand(c, format, ap);
	assert_non_null(reply);
	buf_reset(&s->text);
	buf_puts(&s->text, "");
	put_reply(&s->text, reply);
	freeReplyObject(reply);
	redisFree(c);
	return s->text.data;
}

const char *
redis_server_try(struct redis_server *s, const char *format, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, format);
	text = ask(s, format, ap);
	va_end(ap);
	return text;
}

const char *
redis_server_ask(struct redis_server *s, const char *format, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, format);
	text = ask(s, format, ap);
	va_end(ap);
	if (text[0] == '-')
		fail_msg("redis answers %s to %s", text, format);
	return text;
}

long long
redis_server_int(struct redis_server *s, const char *format, ...)
{
	const char *text;
	char *rest;
	long long value;
	va_list ap;

	va_start(ap, format);
	text = ask(s, format, ap);
	va_end(ap);
	value = strtoll(text, &rest, 10);
	if (rest == text || *rest != '\0')
		fail_msg("redis answers %s to %s", text, format);
	return value;
}

bool
redis_server_contains(struct redis_server *s, const char *text)
{
	redisContext *c = connect_to(s);
	redisReply *keys, *value;
	bool found = false;

	assert_non_null(c);
	keys = redisCommand(c, "KEYS *");
	assert_non_null(keys);
	assert_int_equal(keys->type, REDIS_REPLY_ARRAY);
	for (size_t i = 0; i < keys->elements && !found; i++) {
		const redisReply *key = keys->element[i];

		found = memmem(key->str, key->len, text, strlen(text)) != NULL;
		value = redisCommand(c, "GET %b", key->str, key->len);
		assert_non_null(value);
		if (value->type == REDIS_REPLY_STRING)
			found = found ||
			    memmem(value->str, value->len, text,
				strlen(text)) != NULL;
		freeReplyObject(value);
	}
	freeReplyObject(keys);
	redisFree(c);
	return found;
}
