/* SPDX-License-Identifier: ISC */
#include "http/fcgi.h"

#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/secret.h"
#include "http/params.h"
#include "http/records.h"

/*
 * A pipe holds nearly every request and costs one system call more than reading
 * the connection would.  A larger request goes through a file in memory.
 */
struct fcgi_feed {
	int read_fd; /* -1: libfcgi has closed it */
	int write_fd;
	size_t capacity;
};

struct fcgi {
	FCGX_Request request;
	char *params[PARAMS + 1]; /* NAME=value, into text; NULL at the end */
	const char *body;         /* in text */
	size_t body_len;
	size_t text_len; /* used bytes of text */
	char text[];
};

/*
 * The peer of a unix socket that does not read lets us write 24 times 8 KiB, as
 * libfcgi does, at the default SO_SNDBUF of 208 KiB (measured; an accepted
 * socket does not inherit the buffer of the listening one).  Answers above this
 * size are rare, so only they pay for a larger buffer.
 */
#define ANSWER_LARGE ((size_t)128 * 1024)

static void
feed_close(struct fcgi_feed *feed)
{
	if (feed->read_fd >= 0)
		close(feed->read_fd);
	if (feed->write_fd >= 0)
		close(feed->write_fd);
	feed->read_fd = -1;
	feed->write_fd = -1;
}

static enum err
feed_open(struct fcgi_feed *feed)
{
	int fd[2];
	int capacity;

	if (feed->read_fd >= 0)
		return ERR_OK;
	feed_close(feed);
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) != 0)
		return ERR_UNAVAILABLE;
	feed->read_fd = fd[0];
	feed->write_fd = fd[1];
	/* The kernel gives less to a user with very many pipes. */
	capacity = fcntl(fd[0], F_GETPIPE_SZ);
	feed->capacity = capacity > 0 ? (size_t)capacity : PIPE_BUF;
	return ERR_OK;
}

enum err
fcgi_feed_new(struct fcgi_feed **feed_out)
{
	struct fcgi_feed *feed;
	enum err err;

	*feed_out = NULL;
	if (FCGX_Init() != 0)
		return ERR_INTERNAL;
	feed = malloc(sizeof(*feed));
	if (feed == NULL)
		return ERR_INTERNAL;
	*feed = (struct fcgi_feed){ .read_fd = -1, .write_fd = -1 };
	err = feed_open(feed);
	if (err != ERR_OK) {
		free(feed);
		return err;
	}
	*feed_out = feed;
	return ERR_OK;
}

void
fcgi_feed_free(struct fcgi_feed *feed)
{
	if (feed == NULL)
		return;
	feed_close(feed);
	free(feed);
}

/* Return a file in memory that holds the request; -1 on failure. */
static int
memory_file(const struct iovec parts[2], size_t len)
{
	int fd = memfd_create("request", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (pwritev(fd, parts, 2, 0) == (ssize_t)len)
		return fd;
	close(fd);
	return -1;
}

/* Write the request to where libfcgi can read it; return that descriptor. */
static int
feed_fill(struct fcgi_feed *feed, const struct iovec parts[2])
{
	size_t len = parts[0].iov_len + parts[1].iov_len;

	if (feed_open(feed) != ERR_OK)
		return -1;
	if (len > feed->capacity)
		return memory_file(parts, len);
	if (writev(feed->write_fd, parts, 2) == (ssize_t)len)
		return feed->read_fd;
	/* Do not let the next request find a part of this one. */
	feed_close(feed);
	return -1;
}

static char *
append(struct fcgi *f, const void *data, size_t len)
{
	char *start = f->text + f->text_len;

	memcpy(start, data, len);
	f->text_len += len;
	return start;
}

/* Copy the parameters that the product reads; the first of each name counts. */
static void
copy_params(struct fcgi *f, const unsigned char *pairs, size_t len)
{
	/* The role is set from BEGIN_REQUEST, never by a parameter. */
	bool seen[PARAMS + 1] = { [PARAM_FCGI_ROLE] = true, [PARAMS] = true };
	struct records_pair pair;
	size_t at = 0, n = 1;

	while (records_read_pair(pairs, len, &at, &pair)) {
		enum param param = params_find(pair.name, pair.name_len);

		if (seen[param])
			continue;
		seen[param] = true;
		f->params[n++] = append(f, pair.name, pair.name_len);
		(void)append(f, "=", 1);
		(void)append(f, pair.value, pair.value_len);
		(void)append(f, "", 1);
	}
	f->params[n] = NULL;
}

/*
 * Take the parameters out of the request.  libfcgi gets the rest in ${parts}:
 * it would allocate, copy and free each of some 30 parameters, for 10,000
 * instructions a request.
 */
static void
split_params(struct fcgi *f, const unsigned char *data, size_t len,
    struct iovec parts[2])
{
	const size_t begin = sizeof(FCGI_BeginRequestRecord);
	const unsigned char *header = data + begin;
	size_t params = 0;

	if (len >= begin + FCGI_HEADER_LEN)
		params = (size_t)header[4] << 8 | header[5];
	if (params > 0 && params <= len - begin - FCGI_HEADER_LEN) {
		copy_params(f, header + FCGI_HEADER_LEN, params);
		params += FCGI_HEADER_LEN;
	} else {
		params = 0; /* only the end of the stream */
		copy_params(f, NULL, 0);
	}
	parts[0] = (struct iovec){ (void *)(uintptr_t)data, begin };
	parts[1] = (struct iovec){ (void *)(uintptr_t)(header + params),
		len - begin - params };
}

/*
 * Read the body from ${from}, which libfcgi takes for its connection: on an
 * error it closes it, and then fails to accept another one, since its listening
 * socket is -1.
 */
static bool
read_request(struct fcgi *f, size_t room, int from)
{
	char *body = f->text + f->text_len;
	const char *role;
	bool authorizer;
	int n = 0;

	(void)FCGX_InitRequest(&f->request, -1, 0);
	f->request.ipcFd = from;
	f->request.keepConnection = 1; /* 0: accepting would close it first */
	if (FCGX_Accept_r(&f->request) != 0)
		return false;
	authorizer = f->request.role == FCGI_AUTHORIZER;
	role = authorizer ? "FCGI_ROLE=AUTHORIZER" : "FCGI_ROLE=RESPONDER";
	f->params[0] = (char *)(uintptr_t)role;
	/* An authorizer has no body; libfcgi would wait for one. */
	if (!authorizer)
		n = FCGX_GetStr(body, (int)room, f->request.in);
	f->body = body;
	f->body_len = n > 0 ? (size_t)n : 0;
	body[f->body_len] = '\0';
	f->text_len += f->body_len;
	return authorizer || FCGX_GetError(f->request.in) == 0;
}

enum err
fcgi_new(struct fcgi_feed *feed, const unsigned char *data, size_t len, int fd,
    struct fcgi **fcgi_out)
{
	struct iovec parts[2];
	struct fcgi *f;
	bool complete;
	int from;

	*fcgi_out = NULL;
	/*
	 * Text takes fewer bytes than the records: the lengths of a pair make
	 * room for '=' and NUL, the header of the body for its NUL.
	 */
	f = malloc(sizeof(*f) + len + 1);
	if (f == NULL)
		return ERR_UNAVAILABLE;
	memset(f, 0, sizeof(*f));
	split_params(f, data, len, parts);
	from = feed_fill(feed, parts);
	if (from < 0) {
		secret_wipe(f->text, f->text_len);
		free(f);
		return ERR_UNAVAILABLE;
	}
	complete = read_request(f, len - f->text_len, from);
	if (from != feed->read_fd) {
		if (f->request.ipcFd >= 0)
			close(from);
	} else if (f->request.ipcFd < 0) {
		feed->read_fd = -1;
		feed_close(feed);
	} else if (!complete) {
		feed_close(feed);
	}
	f->request.ipcFd = fd;
	if (!complete) {
		fcgi_free(f);
		return ERR_INVALID;
	}
	*fcgi_out = f;
	return ERR_OK;
}

char *const *
fcgi_params(const struct fcgi *f)
{
	return f->params;
}

const char *
fcgi_body(const struct fcgi *f, size_t *len_out)
{
	*len_out = f->body_len;
	return f->body;
}

bool
fcgi_keep(const struct fcgi *f)
{
	return f->request.keepConnection != 0;
}

static void
enlarge_buffer(int fd, size_t len)
{
	int wanted = (int)len * 4;
	socklen_t size = sizeof(int);
	int have = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &have, &size) == 0 &&
	    have < wanted)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted));
}

enum err
fcgi_answer(struct fcgi *f, const struct buf *answer)
{
	FCGX_Request *r = &f->request;
	bool sent;

	if (answer->failed || answer->len == 0 || answer->len > INT_MAX / 8)
		return ERR_UNAVAILABLE;
	if (answer->len > ANSWER_LARGE)
		enlarge_buffer(r->ipcFd, answer->len);
	sent = FCGX_PutStr(answer->data, (int)answer->len, r->out) ==
	    (int)answer->len;
	/*
	 * Closing the last stream ends the request, in the same write as the
	 * rest of the answer.  FCGX_Finish_r() would close the connection too,
	 * and wait for the peer for up to 2 s.
	 */
	sent = FCGX_FClose(r->err) == 0 && sent;
	sent = FCGX_FClose(r->out) == 0 && sent;
	return sent ? ERR_OK : ERR_UNAVAILABLE;
}

void
fcgi_free(struct fcgi *f)
{
	if (f == NULL)
		return;
	FCGX_Free(&f->request, 0);
	secret_wipe(f->text, f->text_len); /* cookies and passwords */
	free(f);
}
