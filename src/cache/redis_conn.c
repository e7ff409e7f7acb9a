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
 * hiredis formats commands and parses replies, but does not touch the socket:
 * its timeouts start anew with each read(2), so a server that sends slowly
 * could block a worker for ever.
 */
#define READ_BYTES 16384

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif
typedef void *create_array_fn(const redisReadTask *, element_count);

struct redis_conn {
	const struct redis_options *options;
	const struct clock *clock;
	struct redis_peer peer;
	int fd; /* -1: not connected */
	redisReader *reader;
	redisReplyObjectFunctions functions;
	create_array_fn *create_array;
	char why[64];
};

/* How much of a batch has been sent and answered. */
struct progress {
	struct redis_batch *batch;
	const struct deadline *deadline;
	size_t sent;     /* bytes */
	size_t received; /* bytes */
	size_t replies;
};

static enum err
failed(struct redis_conn *conn, const char *why)
{
	(void)snprintf(conn->why, sizeof(conn->why), "%s", why);
	return ERR_UNAVAILABLE;
}

static enum err
failed_errno(struct redis_conn *conn)
{
	return failed(conn, errno == ETIMEDOUT ? "timeout" : strerror(errno));
}

/* Keep the first word of an error reply; the rest may quote the command. */
static enum err
failed_reply(struct redis_conn *conn, const redisReply *reply)
{
	size_t len = strcspn(reply->str, " ");

	(void)snprintf(conn->why, sizeof(conn->why), "%.*s",
	    (int)(len < 32 ? len : 32), reply->str);
	if (strcmp(conn->why, "NOSCRIPT") == 0)
		return ERR_NOT_FOUND;
	return ERR_UNAVAILABLE;
}

/* ---- commands and replies ---- */

void
redis_batch_put(
    struct redis_batch *batch, int argc, const char **argv, const size_t *lens)
{
	char *text = NULL;
	long long len = redisFormatCommandArgv(&text, argc, argv, lens);

	if (len < 0) {
		batch->commands.failed = true;
		return;
	}
	buf_append(&batch->commands, text, (size_t)len);
	batch->n++;
	secret_wipe(text, (size_t)len); /* it may be AUTH */
	redisFreeCommand(text);
}

void
redis_batch_clear(struct redis_batch *batch)
{
	buf_clear(&batch->commands);
}

static bool
read_value(struct redis_batch *batch, size_t i, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_NIL)
		return true;
	if (reply->type != REDIS_REPLY_STRING)
		return false;
	buf_append(&batch->values[i], reply->str, reply->len);
	batch->found++;
	return true;
}

static bool
read_values(struct redis_batch *batch, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY ||
	    reply->elements != batch->n_values)
		return false;
	for (size_t i = 0; i < batch->n_values; i++)
		if (!read_value(batch, i, reply->element[i]))
			return false;
	return true;
}

static bool
read_reply(struct redis_batch *batch, const redisReply *reply)
{
	switch (batch->expect) {
	case REDIS_EXPECT_STATUS:
		return reply->type == REDIS_REPLY_STATUS ||
		    reply->type == REDIS_REPLY_NIL;
	case REDIS_EXPECT_INTEGER: return reply->type == REDIS_REPLY_INTEGER;
	case REDIS_EXPECT_VALUE: return read_value(batch, 0, reply);
	case REDIS_EXPECT_VALUES: return read_values(batch, reply);
	}
	return false;
}

/*
 * A key that holds a list, say, counts as missing, as it does for MGET; the
 * next SET replaces it.
 */
static bool
is_wrong_type(const struct redis_batch *batch, const redisReply *reply)
{
	return batch->expect == REDIS_EXPECT_VALUE &&
	    reply->type == REDIS_REPLY_ERROR &&
	    strncmp(reply->str, "WRONGTYPE ", strlen("WRONGTYPE ")) == 0;
}

/* Read the replies that have arrived in full. */
static enum err
read_replies(struct redis_conn *conn, struct progress *p)
{
	while (p->replies < p->batch->n) {
		redisReply *reply;
		void *any = NULL;
		enum err err = ERR_OK;

		if (redisReaderGetReply(conn->reader, &any) != REDIS_OK)
			return failed(conn, "protocol error");
		if (any == NULL)
			return ERR_OK;
		reply = any;
		if (is_wrong_type(p->batch, reply))
			err = ERR_OK;
		else if (reply->type == REDIS_REPLY_ERROR)
			err = failed_reply(conn, reply);
		else if (!read_reply(p->batch, reply))
			err = failed(conn, "unexpected reply");
		freeReplyObject(reply);
		if (err != ERR_OK)
			return err;
		p->replies++;
	}
	/* Bytes left over on either side must not answer the next batch. */
	if (conn->reader->pos != conn->reader->len ||
	    p->sent < p->batch->commands.len)
		return failed(conn, "more replies than commands");
	return ERR_OK;
}

/* ---- the connection ---- */

static enum err
send_some(struct redis_conn *conn, struct progress *p)
{
	ssize_t n = send(conn->fd, p->batch->commands.data + p->sent,
	    p->batch->commands.len - p->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		p->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		return failed_errno(conn);
	return ERR_OK;
}

static enum err
receive_some(struct redis_conn *conn, struct progress *p)
{
	char bytes[READ_BYTES];
	ssize_t n = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n == 0)
		return failed(conn, "connection closed");
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_OK
							 : failed_errno(conn);
	p->received += (size_t)n;
	if (p->received > REDIS_REPLY_BYTES_MAX)
		return failed(conn, "reply too long");
	if (redisReaderFeed(conn->reader, bytes, (size_t)n) != REDIS_OK)
		return failed(conn, "protocol error");
	return read_replies(conn, p);
}

/* Send the commands and read their replies on an open connection. */
static enum err
send_and_receive(struct redis_conn *conn, struct progress *p)
{
	enum err err;

	if (p->batch->commands.failed)
		return ERR_INTERNAL;
	err = send_some(conn, p);
	while (err == ERR_OK && p->replies < p->batch->n) {
		bool sending = p->sent < p->batch->commands.len;

		if (redis_socket_wait(conn->fd,
			sending ? POLLIN | POLLOUT : POLLIN,
			p->deadline) != ERR_OK)
			return failed_errno(conn);
		if (sending)
			err = send_some(conn, p);
		if (err == ERR_OK)
			err = receive_some(conn, p);
	}
	return err;
}

/* Send AUTH and SELECT if the options ask for them. */
static enum err
authenticate(struct redis_conn *conn, const struct deadline *deadline)
{
	const char *user = conn->options->user;
	const char *password = conn->options->password;
	struct redis_batch batch = { .expect = REDIS_EXPECT_STATUS };
	struct progress p = { .batch = &batch, .deadline = deadline };
	enum err err = ERR_OK;

	if (password[0] != '\0' && user[0] != '\0')
		redis_batch_put(&batch, 3,
		    (const char *[]){ "AUTH", user, password },
		    (size_t[]){ 4, strlen(user), strlen(password) });
	else if (password[0] != '\0')
		redis_batch_put(&batch, 2, (const char *[]){ "AUTH", password },
		    (size_t[]){ 4, strlen(password) });
	if (conn->options->db != 0) {
		char db[12];

		(void)snprintf(db, sizeof(db), "%d", conn->options->db);
		redis_batch_put(&batch, 2, (const char *[]){ "SELECT", db },
		    (size_t[]){ 6, strlen(db) });
	}
	if (batch.n > 0 || batch.commands.failed)
		err = send_and_receive(conn, &p);
	redis_batch_clear(&batch);
	return err;
}

/*
 * No command is answered by more than a flat array of REDIS_ARRAY_MAX, but
 * hiredis would allocate as many elements as the server announces.
 */
static void *
create_small_array(const redisReadTask *task, element_count n)
{
	const struct redis_conn *conn = task->privdata;

	if (task->parent != NULL || n > REDIS_ARRAY_MAX)
		return NULL; /* hiredis reports a protocol error */
	return conn->create_array(task, n);
}

static enum err
connect_peer(struct redis_conn *conn, const struct deadline *deadline)
{
	if (redis_socket_connect(&conn->peer, deadline, &conn->fd) != ERR_OK)
		return failed_errno(conn);
	conn->reader = redisReaderCreate();
	if (conn->reader == NULL)
		return ERR_INTERNAL;
	conn->functions = *conn->reader->fn;
	conn->create_array = conn->functions.createArray;
	conn->functions.createArray = create_small_array;
	conn->reader->fn = &conn->functions;
	conn->reader->privdata = conn;
	return authenticate(conn, deadline);
}

enum err
redis_conn_run(struct redis_conn *conn, struct redis_batch *batch)
{
	struct deadline deadline = { .clock = conn->clock,
		.at_us = conn->clock->mono_us() +
		    (int64_t)conn->options->deadline_ms * 1000 };
	struct progress p = { .batch = batch, .deadline = &deadline };
	bool reused;
	enum err err = ERR_OK;

	/* Bytes that have arrived unasked would answer this batch. */
	if (conn->fd != -1 && !redis_socket_silent(conn->fd))
		redis_conn_close(conn);
	reused = conn->fd != -1;
	if (!reused)
		err = connect_peer(conn, &deadline);
	if (err == ERR_OK)
		err = send_and_receive(conn, &p);
	/*
	 * A server that was restarted since the last batch is not an outage:
	 * connect again.  Not after part of a reply, which rules that out.
	 */
	if (err == ERR_UNAVAILABLE && reused && p.received == 0 &&
	    conn->clock->mono_us() < deadline.at_us) {
		redis_conn_close(conn);
		p.sent = 0;
		err = connect_peer(conn, &deadline);
		if (err == ERR_OK)
			err = send_and_receive(conn, &p);
	}
	if (err != ERR_OK) {
		redis_conn_close(conn);
		for (size_t i = 0; i < batch->n_values; i++)
			buf_reset(&batch->values[i]);
		batch->found = 0;
	}
	return err;
}

void
redis_conn_close(struct redis_conn *conn)
{
	if (conn->fd != -1)
		(void)close(conn->fd);
	conn->fd = -1;
	if (conn->reader != NULL)
		redisReaderFree(conn->reader);
	conn->reader = NULL;
}

bool
redis_conn_has_address(const struct redis_conn *conn)
{
	return conn->peer.n > 0;
}

const char *
redis_conn_why(const struct redis_conn *conn)
{
	return conn->why;
}

enum err
redis_conn_new(const struct redis_options *options, const struct clock *clock,
    struct redis_conn **conn_out)
{
	char quoted[LOG_QUOTED_SIZE];
	struct redis_conn *conn;
	enum err err = ERR_INTERNAL;

	*conn_out = NULL;
	conn = calloc(1, sizeof(*conn));
	if (conn == NULL)
		goto out;
	conn->options = options;
	conn->clock = clock;
	conn->fd = -1;
	err = redis_peer_resolve(options, &conn->peer);
	if (err == ERR_UNAVAILABLE) {
		log_event(LOG_LEVEL_WARN, "redis_unknown_host",
		    "host=%s reason=\"no address; SIGHUP looks again\"",
		    log_quote(quoted, options->host));
		err = ERR_OK;
	}
	if (err != ERR_OK)
		goto out;
	*conn_out = conn;
	conn = NULL;
out:
	redis_conn_free(conn);
	return err;
}

void
redis_conn_free(struct redis_conn *conn)
{
	if (conn == NULL)
		return;
	redis_conn_close(conn);
	free(conn);
}
