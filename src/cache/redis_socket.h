/* SPDX-License-Identifier: ISC */
#ifndef CACHE_REDIS_SOCKET_H
#define CACHE_REDIS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"

struct redis_options;

/*
 * Non-blocking sockets for the Redis protocol.  Every wait ends at an absolute
 * time, however slowly the other side sends.
 */
struct deadline {
	const struct clock *clock;
	int64_t at_us;
};

#define REDIS_PEER_ADDRESSES 4

struct redis_peer {
	struct sockaddr_storage address[REDIS_PEER_ADDRESSES];
	socklen_t len[REDIS_PEER_ADDRESSES];
	size_t n;
};

/**
 * redis_peer_resolve(options, peer_out):
 * Find the addresses of the server that ${options} names.  This may wait for
 * the name service, for as long as that takes.  Return ERR_UNAVAILABLE if the
 * name has no address, ERR_INVALID if ${options} names no server.
 */
enum err redis_peer_resolve(const struct redis_options *options,
    struct redis_peer *peer_out) MUST_CHECK;

/**
 * redis_socket_connect(peer, deadline, fd_out):
 * Connect to the first of the addresses that accepts.  Return ERR_UNAVAILABLE,
 * *${fd_out} -1 and errno set, if none did in time.
 */
enum err redis_socket_connect(const struct redis_peer *peer,
    const struct deadline *deadline, int *fd_out) MUST_CHECK;

/**
 * redis_socket_silent(fd):
 * Return true if the connection is open and no bytes are waiting on it.
 */
bool redis_socket_silent(int fd);

/**
 * redis_socket_wait(fd, events, deadline):
 * Wait until ${fd} is ready for one of the poll(2) ${events}, or broken.
 * Return ERR_UNAVAILABLE and errno ETIMEDOUT if the deadline came first.
 */
enum err redis_socket_wait(
    int fd, short events, const struct deadline *deadline) MUST_CHECK;

#endif
