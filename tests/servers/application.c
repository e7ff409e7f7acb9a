/* SPDX-License-Identifier: ISC */
#include "servers/application.h"

#include "support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

#define HEAD_MAX 65536

struct application {
	pthread_t thread;
	int fd;
	int port;
};

static void
send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

/* Serves one request per connection; the servers under test send whole ones. */
static void
answer(int fd)
{
	static const char start[] = "HTTP/1.1 200 OK\r\n"
				    "Content-Type: text/plain\r\n"
				    "Connection: close\r\n\r\n";
	struct timeval wait = { .tv_sec = 5 };
	struct buf head = { 0 };
	char block[4096];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	while (head.len < HEAD_MAX &&
	    (n = recv(fd, block, sizeof(block), 0)) > 0) {
		buf_append(&head, block, (size_t)n);
		if (memmem(head.data, head.len, "\r\n\r\n", 4) != NULL)
			break;
	}
	send_all(fd, start, sizeof(start) - 1);
	if (head.len > 0)
		send_all(fd, head.data, head.len);
	buf_clear(&head);
}

static void *
serve(void *ctx)
{
	struct application *app = ctx;
	int fd;

	while ((fd = accept(app->fd, NULL, NULL)) >= 0) {
		answer(fd);
		close(fd);
	}
	return NULL;
}

struct application *
application_start(void)
{
	struct application *app = calloc(1, sizeof(*app));
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	assert_non_null(app);
	app->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(app->fd >= 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(
	    bind(app->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(app->fd, 128), 0);
	assert_int_equal(
	    getsockname(app->fd, (struct sockaddr *)&sin, &len), 0);
	app->port = ntohs(sin.sin_port);
	assert_int_equal(pthread_create(&app->thread, NULL, serve, app), 0);
	return app;
}

void
application_stop(struct application *app)
{
	if (app == NULL)
		return;
	/* accept(2) fails at once on a socket that was shut down */
	shutdown(app->fd, SHUT_RDWR);
	pthread_join(app->thread, NULL);
	close(app->fd);
	free(app);
}

int
application_port(const struct application *app)
{
	return app->port;
}
