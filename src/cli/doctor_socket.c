/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

#define UNIX_SCHEME "unix:"
#define WAIT_SECONDS 5
#define ANSWER_MAX 65536

/* ---- connecting ---- */

static int
connect_to(const struct sockaddr *address, socklen_t len)
{
	const struct timeval wait = { .tv_sec = WAIT_SECONDS };
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
	    connect(fd, address, len) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (str_copy(address.sun_path, sizeof(address.sun_path), path) !=
	    ERR_OK) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return connect_to((struct sockaddr *)&address, sizeof(address));
}

/* Connects to HOST:PORT, the form that serve accepts. */
static int
connect_tcp(const char *spec)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(spec, ':');
	struct addrinfo *found = NULL;
	char host[256];
	int fd = -1;

	errno = EINVAL;
	if (colon == NULL || (size_t)(colon - spec) >= sizeof(host))
		return -1;
	(void)snprintf(host, sizeof(host), "%.*s",
	    (int)strcspn(
		spec[0] == '[' ? spec + 1 : spec, spec[0] == '[' ? "]" : ":"),
	    spec[0] == '[' ? spec + 1 : spec);
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return -1;
	fd = connect_to(found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return fd;
}

/* ---- one request: GET /readyz ---- */

/* Record types of the FastCGI specification. */
enum { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

static void
put_record(struct buf *b, int type, const void *content, size_t len)
{
	const unsigned char header[8] = { 1, (unsigned char)type, 0, 1,
		(unsigned char)(len >> 8), (unsigned char)len, 0, 0 };

	buf_append(b, header, sizeof(header));
	buf_append(b, content, len);
}

static void
put_request(struct buf *b)
{
	static const char *const params[][2] = {
		{ "REQUEST_METHOD", "GET" },
		{ "REQUEST_URI", "/readyz" },
		{ "SCRIPT_NAME", "/readyz" },
		{ "QUERY_STRING", "" },
		{ "SERVER_PROTOCOL", "HTTP/1.1" },
		{ "REMOTE_ADDR", "127.0.0.1" },
		{ "HTTP_HOST", "localhost" },
	};
	const unsigned char responder[8] = { 0, 1 };
	struct buf pairs = { 0 };

	for (size_t i = 0; i < NELEMS(params); i++) {
		const unsigned char lens[2] = { (unsigned char)strlen(
						    params[i][0]),
			(unsigned char)strlen(params[i][1]) };

		buf_append(&pairs, lens, sizeof(lens));
		buf_puts(&pairs, params[i][0]);
		buf_puts(&pairs, params[i][1]);
	}
	put_record(b, BEGIN_REQUEST, responder, sizeof(responder));
	put_record(b, PARAMS, pairs.data, pairs.len);
	put_record(b, PARAMS, "", 0);
	put_record(b, STDIN, "", 0);
	buf_clear(&pairs);
}

static bool
read_exactly(int fd, unsigned char *dst, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, dst, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return false;
		dst += n;
		len -= (size_t)n;
	}
	return true;
}

/* Read standard output up to the end of the request. */
static bool
read_answer(int fd, struct buf *text)
{
	unsigned char header[8], content[65535 + 255];

	while (text->len < ANSWER_MAX) {
		size_t len, padding;

		if (!read_exactly(fd, header, sizeof(header)))
			return false;
		len = (size_t)header[4] << 8 | header[5];
		padding = header[6];
		if (header[0] != 1 ||
		    !read_exactly(fd, content, len + padding)) {
			if (header[0] != 1)
				errno = EPROTO;
			return false;
		}
		if (header[1] == STDOUT)
			buf_append(text, content, len);
		if (header[1] == END_REQUEST)
			return true;
	}
	errno = EMSGSIZE;
	return false;
}

/* Return the HTTP status; 0, with errno set, without an answer. */
static int
send_request(int fd)
{
	struct buf request = { 0 }, answer = { 0 };
	int status = 0;
	ssize_t sent;

	put_request(&request);
	sent = send(fd, request.data, request.len, MSG_NOSIGNAL);
	if (sent == (ssize_t)request.len && read_answer(fd, &answer)) {
		status = 200;
		buf_puts(&answer, "");
		if (strncmp(answer.data, "Status: ", 8) == 0)
			status = (int)strtol(answer.data + 8, NULL, 10);
	}
	buf_clear(&request);
	buf_clear(&answer);
	return status;
}

/* ---- findings ---- */

static void
check_mode(struct doctor *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		doctor_report(d, DOCTOR_FAIL, "socket",
		    "chmod 660 it, with the group of the web server: FastCGI "
		    "has no authentication",
		    "every user may connect to %s", path);
}

static void
check_socket(struct doctor *d, const char *spec)
{
	bool is_unix = strncmp(spec, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0;
	int fd, status;

	fd = is_unix ? connect_unix(spec + strlen(UNIX_SCHEME))
		     : connect_tcp(spec);
	if (fd < 0) {
		doctor_report(d, DOCTOR_FAIL, "socket",
		    "start the pool, with the same --listen; the web server's "
		    "user must be in the socket's group",
		    "nothing listens on %s: %s", spec, strerror(errno));
		return;
	}
	status = send_request(fd);
	if (status == 200)
		doctor_report(d, DOCTOR_OK, "socket", NULL, "%s answers", spec);
	else if (status == 0)
		doctor_report(d, DOCTOR_FAIL, "socket",
		    "check that latchkey listens there, and see its log",
		    "%s gives no FastCGI answer: %s", spec, strerror(errno));
	else
		doctor_report(d, DOCTOR_FAIL, "socket",
		    "see the log of the pool", "%s is not ready (status %d)",
		    spec, status);
	(void)close(fd);
	if (is_unix)
		check_mode(d, spec + strlen(UNIX_SCHEME));
}

void
doctor_socket(struct doctor *d)
{
	const char *spec = command_value(d->context.line, "listen");

	if (spec != NULL)
		check_socket(d, spec);
	else
		doctor_report(d, DOCTOR_WARN, "socket",
		    "add --listen unix:PATH, as for serve", "not checked");
}
