/* SPDX-License-Identifier: ISC */
#ifndef POOL_LISTEN_H
#define POOL_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/err.h"

/* The socket the pool serves. */
struct listener {
	int fd;
	bool taken; /* somebody else's: not closed here */
	dev_t dev;  /* of the socket at path */
	ino_t ino;
	/* Bound by us and to be removed, or "". */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/**
 * listen_open(spec, allow_remote, why, size, listener_out):
 * Bind unix:PATH (0660; a socket that nobody serves any more is replaced) or
 * HOST:PORT (a numeric address or localhost, IPv6 in brackets; outside
 * loopback only with ${allow_remote}).  ERR_INVALID if ${spec} is neither,
 * ERR_UNAVAILABLE if it cannot be had; ${why} is one line then.
 *
 * listen_take(fd, why, size, listener_out):
 * Serve the listening socket ${fd}, which stays somebody else's.  ERR_INVALID
 * if it is none.
 */
enum err listen_open(const char *spec, bool allow_remote, char *why,
    size_t size, struct listener *listener_out) MUST_CHECK;
enum err listen_take(
    int fd, char *why, size_t size, struct listener *listener_out) MUST_CHECK;

/**
 * listen_stop(l):
 * Let nobody connect any more; who has connected may still be accepted.  Only
 * on a unix socket of our own, elsewhere it does nothing: a TCP socket would
 * drop those, and a socket that was handed to us has other servers.
 */
void listen_stop(const struct listener *l);

/* listen_close(l): close, and remove the socket at path if still ours. */
void listen_close(struct listener *l);

#endif
