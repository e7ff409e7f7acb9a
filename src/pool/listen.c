/* SPDX-License-Identifier: ISC */
#include "pool/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/net.h"
#include "base/str.h"
#include "base/testpoint.h"

#define UNIX_PREFIX "unix:"
/* The kernel limits it to net.core.somaxconn, 4096 by default. */
#define BACKLOG 4096
/* 20 ms apart: five seconds in all */
#define ATTEMPTS 250

static enum err
refuse(enum err err, char *why, size_t size, const char *what, const char *spec)
{
	(void)snprintf(
	    why, size, "cannot listen on \"%.128s\": %s", spec, what);
	return err;
}

static enum err
fail(char *why, size_t size, const char *spec)
{
	return refuse(ERR_UNAVAILABLE, why, size, strerror(errno), spec);
}

static void
pause_briefly(void)
{
	static const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

/*
 * Lock the folder of ${path} before creating or removing a socket there: of two
 * processes that find the same stale socket, the second could otherwise remove
 * the new one of the first.  Return a descriptor, closing which unlocks; -1
 * with errno set on failure.
 */
static int
lock_folder_of(const char *path)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd, error;

	memcpy(copy, path, sizeof(copy));
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < 2 * ATTEMPTS; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (errno != EWOULDBLOCK)
			break;
		TESTPOINT("listen:waiting");
		pause_briefly();
	}
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

/* Does a process serve the socket at ${address}? */
static bool
is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused;

	if (fd < 0)
		return true; /* unknown */
	refused = connect(fd, (const struct sockaddr *)address,
		      sizeof(*address)) != 0 &&
	    errno == ECONNREFUSED;
	close(fd);
	return !refused;
}

/*
 * Wait a while for an earlier pool to end: a supervisor that was killed is
 * restarted at once, and its workers take a moment to end.
 */
static bool
stays_served(const struct sockaddr_un *address)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		if (!is_served(address))
			return false;
		pause_briefly();
	}
	return true;
}

/* Remove a socket that an earlier pool left at the path, nothing else. */
static enum err
clear_path(
    const struct sockaddr_un *address, const char *spec, char *why, size_t size)
{
	struct stat st;

	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT ? ERR_OK : fail(why, size, spec);
	if (!S_ISSOCK(st.st_mode))
		return refuse(ERR_UNAVAILABLE, why, size,
		    "a file that is not a socket is there", spec);
	if (stays_served(address))
		return refuse(ERR_UNAVAILABLE, why, size,
		    "another program serves it", spec);
	TESTPOINT("listen:stale");
	if (unlink(address->sun_path) != 0 && errno != ENOENT)
		return fail(why, size, spec);
	return ERR_OK;
}

/* The caller holds the lock of the folder. */
static enum err
bind_unix(const struct sockaddr_un *address, const char *spec, char *why,
    size_t size, struct listener *listener_out)
{
	struct stat st;
	mode_t mask;
	enum err err;
	int bound;

	err = clear_path(address, spec, why, size);
	if (err != ERR_OK)
		return err;
	mask = umask(0117); /* 0660 from the first moment */
	bound = bind(listener_out->fd, (const struct sockaddr *)address,
	    sizeof(*address));
	(void)umask(mask);
	if (bound != 0 || lstat(address->sun_path, &st) != 0)
		return fail(why, size, spec);
	memcpy(
	    listener_out->path, address->sun_path, sizeof(address->sun_path));
	listener_out->dev = st.st_dev;
	listener_out->ino = st.st_ino;
	return listen(listener_out->fd, BACKLOG) == 0 ? ERR_OK
						      : fail(why, size, spec);
}

static enum err
open_unix(
    const char *spec, char *why, size_t size, struct listener *listener_out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = spec + strlen(UNIX_PREFIX);
	enum err err;
	int folder;

	if (path[0] == '\0')
		return refuse(
		    ERR_INVALID, why, size, "unix: needs a path", spec);
	if (str_copy(address.sun_path, sizeof(address.sun_path), path) !=
	    ERR_OK)
		return refuse(ERR_INVALID, why, size,
		    "the path is longer than 107 bytes", spec);
	listener_out->fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener_out->fd < 0)
		return fail(why, size, spec);
	folder = lock_folder_of(address.sun_path);
	if (folder < 0)
		return fail(why, size, spec);
	err = bind_unix(&address, spec, why, size, listener_out);
	close(folder);
	return err;
}

/* Split HOST:PORT or [HOST]:PORT; no name but localhost is looked up. */
static enum err
find_address(const char *spec, struct addrinfo **info_out)
{
	static const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(spec, ':');
	char host[64];
	int64_t port;
	int n;

	if (colon == NULL || colon == spec ||
	    str_to_int64(colon + 1, 1, 65535, &port) != ERR_OK)
		return ERR_INVALID;
	if (spec[0] == '[' && colon[-1] == ']')
		n = snprintf(host, sizeof(host), "%.*s",
		    (int)(colon - spec) - 2, spec + 1);
	else if (memchr(spec, ':', (size_t)(colon - spec)) == NULL)
		n = snprintf(
		    host, sizeof(host), "%.*s", (int)(colon - spec), spec);
	else
		return ERR_INVALID;
	if (n <= 0 || (size_t)n >= sizeof(host))
		return ERR_INVALID;
	if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
		colon + 1, &hints, info_out) != 0)
		return ERR_INVALID;
	return ERR_OK;
}

static enum err
bind_tcp(const struct addrinfo *info, const char *spec, char *why, size_t size,
    struct listener *listener_out)
{
	int one = 1;
	int fd = socket(
	    info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fail(why, size, spec);
	listener_out->fd = fd;
	/* Connections inherit TCP_NODELAY: an answer may be several writes. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
	    (info->ai_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) !=
		    0) ||
	    bind(fd, info->ai_addr, info->ai_addrlen) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return fail(why, size, spec);
	return ERR_OK;
}

static enum err
open_tcp(const char *spec, bool allow_remote, char *why, size_t size,
    struct listener *listener_out)
{
	struct addrinfo *info = NULL;
	enum err err;

	if (find_address(spec, &info) != ERR_OK)
		return refuse(ERR_INVALID, why, size,
		    "it is neither unix:PATH nor ADDRESS:PORT", spec);
	if (!allow_remote &&
	    !net_is_loopback_host(spec, (size_t)(strrchr(spec, ':') - spec)))
		err = refuse(ERR_INVALID, why, size,
		    "FastCGI has no authentication; outside loopback it "
		    "needs --allow-remote",
		    spec);
	else
		err = bind_tcp(info, spec, why, size, listener_out);
	freeaddrinfo(info);
	return err;
}

enum err
listen_open(const char *spec, bool allow_remote, char *why, size_t size,
    struct listener *listener_out)
{
	enum err err;

	*listener_out = (struct listener){ .fd = -1 };
	if (strncmp(spec, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		err = open_unix(spec, why, size, listener_out);
	else
		err = open_tcp(spec, allow_remote, why, size, listener_out);
	if (err != ERR_OK)
		listen_close(listener_out);
	return err;
}

static bool
is_listening(int fd)
{
	socklen_t len = sizeof(int);
	int listening = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) ==
	    0 &&
	    listening != 0;
}

/* Is the variable ${name} set by systemd to a number of at least ${min}? */
static bool
variable_is(const char *name, int64_t min, int64_t max)
{
	const char *text = getenv(name);
	int64_t n;

	return text != NULL && str_to_int64(text, min, max, &n) == ERR_OK;
}

int
listen_given(void)
{
	/* The variables may be those of a parent that left them set. */
	if (variable_is("LISTEN_PID", getpid(), getpid()) &&
	    variable_is("LISTEN_FDS", 1, INT_MAX) &&
	    is_listening(LISTEN_FD_SYSTEMD))
		return LISTEN_FD_SYSTEMD;
	return is_listening(LISTEN_FD_STDIN) ? LISTEN_FD_STDIN : -1;
}

enum err
listen_inherit(int fd, char *why, size_t size, struct listener *listener_out)
{
	*listener_out = (struct listener){ .fd = -1 };
	if (!is_listening(fd)) {
		(void)snprintf(
		    why, size, "descriptor %d is not a listening socket", fd);
		return ERR_INVALID;
	}
	listener_out->fd = fd;
	listener_out->inherited = true;
	return ERR_OK;
}

void
listen_stop(const struct listener *l)
{
	if (l->path[0] != '\0')
		(void)shutdown(l->fd, SHUT_RD);
}

bool
listen_is_missing(const struct listener *l)
{
	struct stat st;

	return l->path[0] != '\0' && lstat(l->path, &st) != 0 &&
	    errno == ENOENT;
}

enum err
listen_again(struct listener *l, const char *spec, bool allow_remote, char *why,
    size_t size)
{
	struct listener fresh;
	enum err err = listen_open(spec, allow_remote, why, size, &fresh);

	if (err != ERR_OK)
		return err;
	close(l->fd);
	*l = fresh;
	return ERR_OK;
}

/* The inode is not enough: file systems soon use its number again. */
static bool
is_ours(const struct listener *l)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;

	memcpy(address.sun_path, l->path, sizeof(address.sun_path));
	return lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino && !is_served(&address);
}

void
listen_close(struct listener *l)
{
	int folder = -1;

	/* First: the holder of the lock may wait for this socket to close. */
	if (l->fd >= 0 && !l->inherited)
		close(l->fd);
	if (l->path[0] != '\0')
		folder = lock_folder_of(l->path);
	if (folder >= 0 && is_ours(l))
		(void)unlink(l->path);
	if (folder >= 0)
		close(folder);
	*l = (struct listener){ .fd = -1 };
}
