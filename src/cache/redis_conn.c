/* SPDX-License-Identifier: ISC */
#include "cache/redis_conn.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/secret.h"
#include "cache/redis.h"
#include "cache/redis_socket.h"

/*
 * hiredis writes the commands and parses the replies; the socket is ours.  Its
 * own timeouts hold for each read(2) anew, so that a server that drips could
 * keep a worker for ever.
 */
#define READ_BYTES 16384

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif
typedef void *create_array_fn(const redisReadTask *, element_count);

struct redis_conn {
	const struct redis_options *o;
	const struct clock *clock;
	struct redis_peer peer;
	int fd; /* -1: not connected */
	redisReader *reader;
	redisReplyObjectFunctions functions;
	create_array_fn *create_array;
	char why[64];
};

/* How far a talk has come. */
struct progress {
	struct redis_batch *talk;
	const struct deadline *deadline;
	size_t sent;     /* bytes */
	size_t received; /* bytes */
	size_t got;      /* replies */
};

static enum err
failed(struct redis_conn *l, const char *why)
{
	(void)snprintf(l->why, sizeof(l->why), "%s", why);
	return ERR_UNAVAILABLE;
}

static enum err
failed_errno(struct redis_conn *l)
{
	return failed(l, errno == ETIMEDOUT ? "timeout" : strerror(errno));
}

/* The first word of an error reply; the rest may quote what was sent. */
static enum err
failed_reply(struct redis_conn *l, const redisReply *reply)
{
	size_t len = strcspn(reply->str, " ");

	(void)snprintf(l->why, sizeof(l->why), "%.*s",
	    (int)(len < 32 ? len : 32), reply->str);
	if (strcmp(l->why, "NOSCRIPT") == 0)
		return ERR_NOT_FOUND;
	return ERR_UNAVAILABLE;
}

/* ---- commands and replies ---- */

void
redis_batch_put(
    struct redis_batch *talk, int argc, const char **argv, const size_t *lens)
{
	char *text = NULL;
	long long len = redisFormatCommandArgv(&text, argc, argv, lens);

	if (len < 0) {
		talk->commands.failed = true;
		return;
	}
	buf_append(&talk->commands, text, (size_t)len);
	talk->n++;
	secret_wipe(text, (size_t)len); /* AUTH goes this way too */
	redisFreeCommand(text);
}

void
redis_batch_clear(struct redis_batch *talk)
{
	buf_clear(&talk->commands);
}

static bool
take_value(struct redis_batch *talk, size_t i, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_NIL)
		return true;
	if (reply->type != REDIS_REPLY_STRING)
		return false;
	buf_append(&talk->values[i], reply->str, reply->len);
	talk->found++;
	return true;
}

static bool
take_values(struct redis_batch *talk, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY ||
	    reply->elements != talk->n_values)
		return false;
	for (size_t i = 0; i < talk->n_values; i++)
		if (!take_value(talk, i, reply->element[i]))
			return false;
	return true;
}

static bool
take_reply(struct redis_batch *talk, const redisReply *reply)
{
	switch (talk->expect) {
	case REDIS_EXPECT_STATUS:
		return reply->type == REDIS_REPLY_STATUS ||
		    reply->type == REDIS_REPLY_NIL;
	case REDIS_EXPECT_INTEGER: return reply->type == REDIS_REPLY_INTEGER;
	case REDIS_EXPECT_VALUE: return take_value(talk, 0, reply);
	case REDIS_EXPECT_VALUES: return take_values(talk, reply);
	}
	return false;
}

/*
 * A key that somebody made a list of is as good as missing, as MGET has it,
 * and our next SET makes it a value again.
 */
static bool
is_of_another_type(const struct redis_batch *talk, const redisReply *reply)
{
	return talk->expect == REDIS_EXPECT_VALUE &&
	    reply->type == REDIS_REPLY_ERROR &&
	    strncmp(reply->str, "WRONGTYPE ", strlen("WRONGTYPE ")) == 0;
}

/* Take those replies that have arrived as a whole. */
static enum err
take_replies(struct redis_conn *l, struct progress *p)
{
	while (p->got < p->talk->n) {
		redisReply *reply;
		void *any = NULL;
		enum err err = ERR_OK;

		if (redisReaderGetReply(l->reader, &any) != REDIS_OK)
			return failed(l, "protocol error");
		if (any == NULL)
			return ERR_OK;
		reply = any;
		if (is_of_another_type(p->talk, reply))
			err = ERR_OK;
		else if (reply->type == REDIS_REPLY_ERROR)
			err = failed_reply(l, reply);
		else if (!take_reply(p->talk, reply))
			err = failed(l, "unexpected reply");
		freeReplyObject(reply);
		if (err != ERR_OK)
			return err;
		p->got++;
	}
	/* What is left over, on either side, belongs to no next question. */
	if (l->reader->pos != l->reader->len || p->sent < p->talk->commands.len)
		return failed(l, "more replies than questions");
	return ERR_OK;
}

/* ---- the connection ---- */

static enum err
send_some(struct redis_conn *l, struct progress *p)
{
	ssize_t n = send(l->fd, p->talk->commands.data + p->sent,
	    p->talk->commands.len - p->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		p->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		return failed_errno(l);
	return ERR_OK;
}

static enum err
receive_some(struct redis_conn *l, struct progress *p)
{
	char bytes[READ_BYTES];
	ssize_t n = recv(l->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n == 0)
		return failed(l, "connection closed");
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_OK
							 : failed_errno(l);
	p->received += (size_t)n;
	if (p->received > REDIS_REPLY_BYTES_MAX)
		return failed(l, "reply too long");
	if (redisReaderFeed(l->reader, bytes, (size_t)n) != REDIS_OK)
		return failed(l, "protocol error");
	return take_replies(l, p);
}

/* Send the commands and take their replies, on a connection that is up. */
static enum err
connection_io(struct redis_conn *l, struct progress *p)
{
	enum err err;

	if (p->talk->commands.failed)
		return ERR_INTERNAL;
	err = send_some(l, p);
	while (err == ERR_OK && p->got < p->talk->n) {
		bool sending = p->sent < p->talk->commands.len;

		if (redis_socket_wait(l->fd,
			sending ? POLLIN | POLLOUT : POLLIN,
			p->deadline) != ERR_OK)
			return failed_errno(l);
		if (sending)
			err = send_some(l, p);
		if (err == ERR_OK)
			err = receive_some(l, p);
	}
	return err;
}

/* AUTH and SELECT, as the options want them. */
static enum err
authenticate(struct redis_conn *l, const struct deadline *deadline)
{
	const char *user = l->o->user;
	const char *password = l->o->password;
	struct redis_batch talk = { .expect = REDIS_EXPECT_STATUS };
	struct progress p = { .talk = &talk, .deadline = deadline };
	enum err err = ERR_OK;

	if (password[0] != '\0' && user[0] != '\0')
		redis_batch_put(&talk, 3,
		    (const char *[]){ "AUTH", user, password },
		    (size_t[]){ 4, strlen(user), strlen(password) });
	else if (password[0] != '\0')
		redis_batch_put(&talk, 2, (const char *[]){ "AUTH", password },
		    (size_t[]){ 4, strlen(password) });
	if (l->o->db != 0) {
		char db[12];

		(void)snprintf(db, sizeof(db), "%d", l->o->db);
		redis_batch_put(&talk, 2, (const char *[]){ "SELECT", db },
		    (size_t[]){ 6, strlen(db) });
	}
	if (talk.n > 0 || talk.commands.failed)
		err = connection_io(l, &p);
	redis_batch_clear(&talk);
	return err;
}

/*
 * We ask for flat arrays of at most REDIS_ARRAY_MAX; hiredis would allocate
 * whatever number the other side names.
 */
static void *
create_small_array(const redisReadTask *task, element_count n)
{
	const struct redis_conn *l = task->privdata;

	if (task->parent != NULL || n > REDIS_ARRAY_MAX)
		return NULL; /* hiredis makes an error of it */
	return l->create_array(task, n);
}

static enum err
connect_peer(struct redis_conn *l, const struct deadline *deadline)
{
	if (redis_socket_connect(&l->peer, deadline, &l->fd) != ERR_OK)
		return failed_errno(l);
	l->reader = redisReaderCreate();
	if (l->reader == NULL)
		return ERR_INTERNAL;
	l->functions = *l->reader->fn;
	l->create_array = l->functions.createArray;
	l->functions.createArray = create_small_array;
	l->reader->fn = &l->functions;
	l->reader->privdata = l;
	return authenticate(l, deadline);
}

enum err
redis_conn_run(struct redis_conn *l, struct redis_batch *talk)
{
	struct deadline deadline = { .clock = l->clock,
		.at_us =
		    l->clock->mono_us() + (int64_t)l->o->deadline_ms * 1000 };
	struct progress p = { .talk = talk, .deadline = &deadline };
	bool reused;
	enum err err = ERR_OK;

	/* Bytes that nobody asked for would answer the next question. */
	if (l->fd != -1 && !redis_socket_silent(l->fd))
		redis_conn_close(l);
	reused = l->fd != -1;
	if (!reused)
		err = connect_peer(l, &deadline);
	if (err == ERR_OK)
		err = connection_io(l, &p);
	/*
	 * A server that was restarted since is no outage: ask the new one.
	 * Once part of a reply has come, it is not that.
	 */
	if (err == ERR_UNAVAILABLE && reused && p.received == 0 &&
	    l->clock->mono_us() < deadline.at_us) {
		redis_conn_close(l);
		p.sent = 0;
		err = connect_peer(l, &deadline);
		if (err == ERR_OK)
			err = connection_io(l, &p);
	}
	if (err != ERR_OK) {
		redis_conn_close(l);
		for (size_t i = 0; i < talk->n_values; i++)
			buf_reset(&talk->values[i]);
		talk->found = 0;
	}
	return err;
}

void
redis_conn_close(struct redis_conn *l)
{
	if (l->fd != -1)
		(void)close(l->fd);
	l->fd = -1;
	if (l->reader != NULL)
		redisReaderFree(l->reader);
	l->reader = NULL;
}

bool
redis_conn_has_address(const struct redis_conn *l)
{
	return l->peer.n > 0;
}

const char *
redis_conn_why(const struct redis_conn *l)
{
	return l->why;
}

enum err
redis_conn_new(const struct redis_options *options, const struct clock *clock,
    struct redis_conn **link_out)
{
	char quoted[LOG_QUOTED_SIZE];
	struct redis_conn *l;
	enum err err = ERR_INTERNAL;

	*link_out = NULL;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		goto out;
	l->o = options;
	l->clock = clock;
	l->fd = -1;
	err = redis_peer_resolve(options, &l->peer);
	if (err == ERR_UNAVAILABLE) {
		log_event(LOG_LEVEL_WARN, "redis_unknown_host",
		    "host=%s reason=\"no address; SIGHUP looks again\"",
		    log_quote(quoted, options->host));
		err = ERR_OK;
	}
	if (err != ERR_OK)
		goto out;
	*link_out = l;
	l = NULL;
out:
	redis_conn_free(l);
	return err;
}

void
redis_conn_free(struct redis_conn *l)
{
	if (l == NULL)
		return;
	redis_conn_close(l);
	free(l);
}
