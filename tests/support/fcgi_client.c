/* SPDX-License-Identifier: ISC */
#include "support/fcgi_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fastcgi.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- building ---- */

void
fcgi_put(struct fcgi_bytes *b, const void *data, size_t len)
{
	if (len > b->cap - b->len) {
		size_t cap = (b->len + len) * 2;
		unsigned char *grown = realloc(b->data, cap);

		if (grown == NULL)
			abort();
		b->data = grown;
		b->cap = cap;
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void
fcgi_bytes_free(struct fcgi_bytes *b)
{
	free(b->data);
	*b = (struct fcgi_bytes){ 0 };
}

void
fcgi_put_header(struct fcgi_bytes *b, unsigned type, unsigned id, size_t len,
    size_t padding)
{
	const unsigned char header[] = {
		FCGI_VERSION_1,
		(unsigned char)type,
		(unsigned char)(id >> 8),
		(unsigned char)id,
		(unsigned char)(len >> 8),
		(unsigned char)len,
		(unsigned char)padding,
		0,
	};

	fcgi_put(b, header, sizeof(header));
}

void
fcgi_put_record(struct fcgi_bytes *b, unsigned type, unsigned id,
    const void *content, size_t len)
{
	static const unsigned char zeros[8];
	size_t padding = (8 - len % 8) % 8;

	fcgi_put_header(b, type, id, len, padding);
	fcgi_put(b, content, len);
	fcgi_put(b, zeros, padding);
}

void
fcgi_put_begin(struct fcgi_bytes *b, unsigned id, unsigned role, bool keep)
{
	const unsigned char body[8] = {
		(unsigned char)(role >> 8),
		(unsigned char)role,
		keep ? FCGI_KEEP_CONN : 0,
	};

	fcgi_put_record(b, FCGI_BEGIN_REQUEST, id, body, sizeof(body));
}

static void
put_length(struct fcgi_bytes *b, size_t len)
{
	const unsigned char bytes[] = {
		(unsigned char)(len >> 24 | 0x80),
		(unsigned char)(len >> 16),
		(unsigned char)(len >> 8),
		(unsigned char)len,
	};

	if (len < 0x80)
		fcgi_put(b, &bytes[3], 1);
	else
		fcgi_put(b, bytes, sizeof(bytes));
}

static void
put_pair(
    struct fcgi_bytes *b, const char *name, size_t name_len, const char *value)
{
	put_length(b, name_len);
	put_length(b, strlen(value));
	fcgi_put(b, name, name_len);
	fcgi_put(b, value, strlen(value));
}

void
fcgi_put_pair(struct fcgi_bytes *b, const char *name, const char *value)
{
	put_pair(b, name, strlen(name), value);
}

void
fcgi_put_stream(struct fcgi_bytes *b, unsigned type, unsigned id,
    const void *data, size_t len, size_t chunk)
{
	const unsigned char *p = data;

	for (size_t at = 0; at < len; at += chunk)
		fcgi_put_record(
		    b, type, id, p + at, len - at < chunk ? len - at : chunk);
	fcgi_put_record(b, type, id, "", 0);
}

void
fcgi_put_request(struct fcgi_bytes *b, const struct fcgi_ask *ask)
{
	size_t len = ask->body_len;
	struct fcgi_bytes params = { 0 };
	unsigned id = ask->id != 0 ? ask->id : 1;
	char number[32];

	if (len == 0 && ask->body != NULL)
		len = strlen(ask->body);
	(void)snprintf(number, sizeof(number), "%zu", len);
	fcgi_put_pair(&params, "GATEWAY_INTERFACE", "CGI/1.1");
	fcgi_put_pair(&params, "REQUEST_METHOD",
	    ask->method != NULL ? ask->method : "GET");
	fcgi_put_pair(&params, "REQUEST_URI", ask->uri);
	fcgi_put_pair(&params, "REMOTE_ADDR", "127.0.0.1");
	fcgi_put_pair(&params, "HTTP_HOST", "localhost");
	if (ask->body != NULL)
		fcgi_put_pair(&params, "CONTENT_LENGTH", number);
	if (ask->content_type != NULL)
		fcgi_put_pair(&params, "CONTENT_TYPE", ask->content_type);
	for (const char *const *p = ask->params; p != NULL && *p != NULL; p++) {
		size_t name_len = strcspn(*p, "=");

		put_pair(&params, *p, name_len, *p + name_len + 1);
	}
	fcgi_put_begin(b, id, FCGI_ROLE_RESPONDER, ask->keep);
	fcgi_put_stream(b, FCGI_PARAMS, id, params.data, params.len, 65535);
	fcgi_put_stream(b, FCGI_STDIN, id, ask->body, len, 32768);
	fcgi_bytes_free(&params);
}

/* ---- the connection ---- */

static int
connect_to(int family, const void *address, socklen_t size)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0 || connect(fd, address, size) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
fcgi_connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	return connect_to(AF_UNIX, &address, sizeof(address));
}

int
fcgi_connect_tcp(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return connect_to(AF_INET, &address, sizeof(address));
}

static bool
wait_for(int fd, short events, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = until - now_ms();
	int n;

	do {
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

bool
fcgi_send(int fd, const void *data, size_t len, int wait_ms)
{
	int64_t until = now_ms() + wait_ms;
	const unsigned char *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n < 0 && !wait_for(fd, POLLOUT, until))
			return false;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* 1: all of it; 0: the connection ended; -1: not in time. */
static int
receive_all(int fd, unsigned char *data, size_t len, int64_t until)
{
	while (len > 0) {
		ssize_t n = recv(fd, data, len, MSG_DONTWAIT);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return 0;
		if (n < 0 && !wait_for(fd, POLLIN, until))
			return -1;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 1;
}

static int
receive_record(int fd, int64_t until, struct fcgi_record *r)
{
	unsigned char header[FCGI_HEADER_LEN];
	unsigned char padding[255];
	int got = receive_all(fd, header, sizeof(header), until);

	if (got != 1)
		return got;
	r->type = header[1];
	r->id = (unsigned)header[2] << 8 | header[3];
	r->len = (size_t)header[4] << 8 | header[5];
	got = receive_all(fd, r->content, r->len, until);
	return got == 1 ? receive_all(fd, padding, header[6], until) : got;
}

bool
fcgi_receive_record(int fd, int wait_ms, struct fcgi_record *record_out)
{
	return receive_record(fd, now_ms() + wait_ms, record_out) == 1;
}

static void
read_http(struct fcgi_reply *reply)
{
	const char *status = strstr(reply->text, "Status: ");

	reply->body = strstr(reply->text, "\r\n\r\n");
	if (reply->body == NULL)
		return;
	reply->http_status = status != NULL && status < reply->body
	    ? (int)strtol(status + 8, NULL, 10)
	    : 200;
	reply->body += 4;
}

bool
fcgi_receive(int fd, int wait_ms, struct fcgi_reply *reply_out)
{
	int64_t until = now_ms() + wait_ms;
	struct fcgi_record *r = calloc(1, sizeof(*r));
	struct fcgi_bytes text = { 0 };
	int got = 1;

	*reply_out = (struct fcgi_reply){ 0 };
	if (r == NULL)
		abort();
	while (!reply_out->ended && (got = receive_record(fd, until, r)) == 1) {
		if (r->type == FCGI_STDOUT)
			fcgi_put(&text, r->content, r->len);
		if (r->type != FCGI_END_REQUEST)
			continue;
		reply_out->ended = true;
		reply_out->id = r->id;
		reply_out->status = r->content[4];
	}
	reply_out->closed = got == 0;
	reply_out->text_len = text.len;
	fcgi_put(&text, "", 1);
	reply_out->text = (char *)text.data;
	read_http(reply_out);
	free(r);
	return reply_out->ended;
}

void
fcgi_reply_free(struct fcgi_reply *reply)
{
	free(reply->text);
	*reply = (struct fcgi_reply){ 0 };
}

bool
fcgi_ask_on(int fd, const struct fcgi_ask *ask, int wait_ms,
    struct fcgi_reply *reply_out)
{
	struct fcgi_bytes bytes = { 0 };
	bool sent;

	*reply_out = (struct fcgi_reply){ 0 };
	fcgi_put_request(&bytes, ask);
	sent = fcgi_send(fd, bytes.data, bytes.len, wait_ms);
	fcgi_bytes_free(&bytes);
	return sent && fcgi_receive(fd, wait_ms, reply_out);
}

bool
fcgi_is_closed(int fd, int wait_ms)
{
	int64_t until = now_ms() + wait_ms;
	unsigned char byte;
	int got;

	while ((got = receive_all(fd, &byte, 1, until)) == 1)
		continue;
	return got == 0;
}

int
fcgi_get(const char *path, const char *uri, int wait_ms)
{
	const struct fcgi_ask ask = { .uri = uri };
	struct fcgi_reply reply;
	int fd = fcgi_connect_unix(path);
	int status = 0;

	if (fd < 0)
		return 0;
	if (fcgi_ask_on(fd, &ask, wait_ms, &reply))
		status = reply.http_status;
	fcgi_reply_free(&reply);
	close(fd);
	return status;
}
