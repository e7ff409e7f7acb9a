/* SPDX-License-Identifier: ISC */
#ifndef POOL_LISTEN_H
#define POOL_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/err.h"

/* A process that passes a listening socket does so on one of these. */
#define LISTEN_FD_STDIN 0   /* spawn-fcgi, mod_fcgid, lighttpd */
#define LISTEN_FD_SYSTEMD 3 /* sd_listen_fds(3) */

/* The listening socket of the pool. */
struct listener {
	int fd;
	bool inherited; /* from the parent; not closed here */
	dev_t dev;      /* of the socket at path */
	ino_t ino;
	/* Bound here and removed on closing, or "". */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/**
 * listen_open(spec, allow_remote, why, size, listener_out):
 * Bind unix:PATH (mode 0660; a socket without a server is replaced) or
 * HOST:PORT (a numeric address or localhost, IPv6 in brackets; other addresses
 * than loopback only with ${allow_remote}).  Return ERR_INVALID if ${spec} is
 * neither, ERR_UNAVAILABLE if binding fails; ${why} is one line then.
 *
 * listen_given():
 * Return the listening socket that this process was started with, or -1.  Of
 * several sockets from systemd it is the first.
 *
 * listen_inherit(fd, why, size, listener_out):
 * Use the listening socket ${fd}, which stays the caller's.  Return ERR_INVALID
 * if it is not one.
 */
enum err listen_open(const char *spec, bool allow_remote, char *why,
    size_t size, struct listener *listener_out) MUST_CHECK;
int listen_given(void);
enum err listen_inherit(
    int fd, char *why, size_t size, struct listener *listener_out) MUST_CHECK;

/**
 * listen_stop(l):
 * Refuse further connections; queued ones can still be accepted.  Works on a
 * unix socket that was bound here and does nothing otherwise: a TCP socket
 * would drop queued connections, and an inherited one has other servers.
 */
void listen_stop(const struct listener *l);

/**
 * listen_is_missing(l):
 * Return true if the socket file that was bound here does not exist, so that
 * no new client can connect.
 *
 * listen_again(l, spec, allow_remote, why, size):
 * Bind ${spec} anew in place of a socket that is missing; connections that
 * the old one has accepted go on.  On the errors of listen_open() ${l} stays
 * as it is.
 */
bool listen_is_missing(const struct listener *l);
enum err listen_again(struct listener *l, const char *spec, bool allow_remote,
    char *why, size_t size) MUST_CHECK;

/* listen_close(l): close, and remove the socket file that was bound here. */
void listen_close(struct listener *l);

#endif
