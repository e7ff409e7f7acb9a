/* SPDX-License-Identifier: ISC */
#include "cache/redis_socket.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "cache/redis.h"

static enum err
resolve_unix(const char *path, struct redis_peer *peer)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	_Static_assert(sizeof(sun.sun_path) ==
		sizeof(((struct redis_options *)NULL)->socket),
	    "every path that the options take fits into an address");
	if (str_copy(sun.sun_path, sizeof(sun.sun_path), path) != ERR_OK)
		return ERR_INVALID;
	memcpy(&peer->address[0], &sun, sizeof(sun));
	peer->len[0] = sizeof(sun);
	peer->n = 1;
	return ERR_OK;
}

static enum err
resolve_host(const char *host, int port, struct redis_peer *peer)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char service[12];

	(void)snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return ERR_UNAVAILABLE;
	for (const struct addrinfo *a = found;
	     a != NULL && peer->n < REDIS_PEER_ADDRESSES; a = a->ai_next) {
		memcpy(&peer->address[peer->n], a->ai_addr, a->ai_addrlen);
		peer->len[peer->n++] = a->ai_addrlen;
	}
	freeaddrinfo(found);
	return peer->n > 0 ? ERR_OK : ERR_UNAVAILABLE;
}

enum err
redis_peer_resolve(
    const struct redis_options *options, struct redis_peer *peer_out)
{
	memset(peer_out, 0, sizeof(*peer_out));
	if (options->socket[0] != '\0')
		return resolve_unix(options->socket, peer_out);
	if (options->host[0] == '\0')
		return ERR_INVALID;
	return resolve_host(options->host, options->port, peer_out);
}

enum err
redis_socket_wait(int fd, short events, const struct deadline *deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	for (;;) {
		int64_t now = deadline->clock->mono_us();
		int64_t left =
		    deadline->at_us > now ? deadline->at_us - now : 0;
		struct timespec ts = { .tv_sec = left / 1000000,
			.tv_nsec = left % 1000000 * 1000 };
		/*
		 * Poll even after the deadline: if this process was not
		 * scheduled in time, the reply may have arrived.
		 */
		int rc = ppoll(&pfd, 1, &ts, NULL);

		if (rc > 0)
			return ERR_OK;
		if (rc == 0)
			break;
		if (errno != EINTR)
			return ERR_UNAVAILABLE;
	}
	errno = ETIMEDOUT;
	return ERR_UNAVAILABLE;
}

/* Wait for a connect(2) that is under way. */
static enum err
finish_connect(int fd, const struct deadline *deadline)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (redis_socket_wait(fd, POLLOUT, deadline) != ERR_OK)
		return ERR_UNAVAILABLE;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return ERR_UNAVAILABLE;
	errno = error;
	return error == 0 ? ERR_OK : ERR_UNAVAILABLE;
}

static enum err
connect_one(const struct sockaddr *address, socklen_t len,
    const struct deadline *deadline, int *fd_out)
{
	int on = 1;
	int saved;
	int fd;
	enum err err = ERR_UNAVAILABLE;

	fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return ERR_UNAVAILABLE;
	/* A small command must not wait for the ACK of the one before. */
	if (address->sa_family != AF_UNIX &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		goto out;
	/*
	 * On a unix socket EAGAIN means that the backlog of the server is full;
	 * no event says when it is not, so it counts as an outage.
	 */
	if (connect(fd, address, len) == 0)
		err = ERR_OK;
	else if (errno == EINPROGRESS || errno == EINTR)
		err = finish_connect(fd, deadline);
out:
	if (err == ERR_OK) {
		*fd_out = fd;
		return ERR_OK;
	}
	saved = errno;
	(void)close(fd);
	errno = saved;
	return err;
}

enum err
redis_socket_connect(
    const struct redis_peer *peer, const struct deadline *deadline, int *fd_out)
{
	enum err err = ERR_UNAVAILABLE;

	*fd_out = -1;
	errno = EADDRNOTAVAIL; /* logged if there is no address */
	for (size_t i = 0; i < peer->n && err != ERR_OK; i++)
		err = connect_one((const struct sockaddr *)&peer->address[i],
		    peer->len[i], deadline, fd_out);
	return err;
}

bool
redis_socket_silent(int fd)
{
	char byte;

	/* Data and end of file both make recv() succeed. */
	return recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == -1 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK);
}
