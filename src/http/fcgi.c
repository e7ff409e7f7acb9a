/* SPDX-License-Identifier: ISC */
#include "http/fcgi.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/secret.h"

/*
 * A pipe holds nearly every request and costs one system call more than
 * reading from the connection would; what does not fit goes through a file in
 * memory.
 */
struct fcgi_feed {
	int read_fd; /* -1: libfcgi has closed it */
	int write_fd;
	size_t capacity;
};

struct fcgi {
	FCGX_Request request;
	size_t body_len;
	char body[]; /* and a NUL */
};

/*
 * Measured: a unix socket whose peer does not read takes 24 writes of 8 KiB
 * at the default SO_SNDBUF of 208 KiB (the sender's counts there, the
 * listening socket's is not inherited), 48 at twice that.  libfcgi writes
 * 8 KiB at a time.  Larger answers are rare, so that only they pay for
 * asking.
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
	/* The kernel gives less to users with very many pipes. */
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

/* A file in memory that holds the request; -1 if there is none to be had. */
static int
memory_file(const unsigned char *data, size_t len)
{
	int fd = memfd_create("request", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (pwrite(fd, data, len, 0) == (ssize_t)len)
		return fd;
	close(fd);
	return -1;
}

/* Lay the request ready on a descriptor that libfcgi can read. */
static int
feed_fill(struct fcgi_feed *feed, const unsigned char *data, size_t len)
{
	if (feed_open(feed) != ERR_OK)
		return -1;
	if (len > feed->capacity)
		return memory_file(data, len);
	if (write(feed->write_fd, data, len) == (ssize_t)len)
		return feed->read_fd;
	/* A part of it lies there: never to be met by the next request. */
	feed_close(feed);
	return -1;
}

/*
 * Read parameters and body from ${from}.  libfcgi takes ${from} for its
 * connection: when it fails, it closes that, and then fails to accept another
 * (its listening socket is -1).
 */
static bool
read_request(struct fcgi *f, size_t room, int from)
{
	int n;

	(void)FCGX_InitRequest(&f->request, -1, 0);
	f->request.ipcFd = from;
	f->request.keepConnection = 1; /* or accepting begins by closing it */
	if (FCGX_Accept_r(&f->request) != 0)
		return false;
	/* No stream follows in this role: libfcgi would wait for one. */
	if (f->request.role == FCGI_AUTHORIZER)
		return true;
	n = FCGX_GetStr(f->body, (int)room, f->request.in);
	f->body_len = n > 0 ? (size_t)n : 0;
	f->body[f->body_len] = '\0';
	return FCGX_GetError(f->request.in) == 0;
}

enum err
fcgi_new(struct fcgi_feed *feed, const unsigned char *data, size_t len, int fd,
    struct fcgi **fcgi_out)
{
	struct fcgi *f;
	bool read_well;
	int from;

	*fcgi_out = NULL;
	/* Headers are longer than the NUL: GetStr always sees the end. */
	f = malloc(sizeof(*f) + len + 1);
	if (f == NULL)
		return ERR_UNAVAILABLE;
	f->body_len = 0;
	f->body[0] = '\0';
	from = feed_fill(feed, data, len);
	if (from < 0) {
		free(f);
		return ERR_UNAVAILABLE;
	}
	read_well = read_request(f, len, from);
	if (from != feed->read_fd) {
		if (f->request.ipcFd >= 0)
			close(from);
	} else if (f->request.ipcFd < 0) {
		feed->read_fd = -1;
		feed_close(feed);
	} else if (!read_well) {
		feed_close(feed);
	}
	f->request.ipcFd = fd;
	if (!read_well) {
		fcgi_free(f);
		return ERR_INVALID;
	}
	*fcgi_out = f;
	return ERR_OK;
}

char *const *
fcgi_params(const struct fcgi *f)
{
	return f->request.envp;
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
release_reserve(int fd, size_t len)
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
		release_reserve(r->ipcFd, answer->len);
	sent = FCGX_PutStr(answer->data, (int)answer->len, r->out) ==
	    (int)answer->len;
	/*
	 * The one closed last ends the request, in the same write as the rest
	 * of the answer.  No FCGX_Finish_r: it would close the connection,
	 * waiting up to 2 s for the peer.
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
	/* Cookies and passwords; libfcgi frees without wiping. */
	for (char **p = f->request.envp; p != NULL && *p != NULL; p++)
		secret_wipe_text(*p);
	secret_wipe(f->body, f->body_len);
	FCGX_Free(&f->request, 0);
	free(f);
}
