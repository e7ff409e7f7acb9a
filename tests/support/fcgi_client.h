/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_FCGI_CLIENT_H
#define SUPPORT_FCGI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * FastCGI as a web server speaks it, and as none should: records are built by
 * hand, and any bytes may be sent.
 */

/* Bytes under construction; {0} before first use. */
struct fcgi_bytes {
	unsigned char *data;
	size_t len;
	size_t cap;
};

enum fcgi_role {
	FCGI_ROLE_RESPONDER = 1,
	FCGI_ROLE_AUTHORIZER = 2,
	FCGI_ROLE_FILTER = 3
};

/* All of these append; running out of memory ends the test program. */
void fcgi_put(struct fcgi_bytes *b, const void *data, size_t len);
void fcgi_put_header(struct fcgi_bytes *b, unsigned type, unsigned id,
    size_t len, size_t padding);
void fcgi_put_record(struct fcgi_bytes *b, unsigned type, unsigned id,
    const void *content, size_t len);
void fcgi_put_begin(
    struct fcgi_bytes *b, unsigned id, unsigned role, bool keep);
/* A name-value pair, with lengths as short as they may be. */
void fcgi_put_pair(struct fcgi_bytes *b, const char *name, const char *value);
/* A stream in records of at most ${chunk} bytes, and its end. */
void fcgi_put_stream(struct fcgi_bytes *b, unsigned type, unsigned id,
    const void *data, size_t len, size_t chunk);
void fcgi_bytes_free(struct fcgi_bytes *b);

/* One whole request. */
struct fcgi_ask {
	unsigned id; /* 0: 1 */
	bool keep;
	const char *method; /* NULL: GET */
	const char *uri;
	const char *content_type;  /* NULL: none */
	const char *body;          /* NULL: none */
	size_t body_len;           /* 0: of the string */
	const char *const *params; /* NAME=value and NULL at the end; or NULL */
};
void fcgi_put_request(struct fcgi_bytes *b, const struct fcgi_ask *ask);

/* Connect, blocking; -1 with errno set if it fails. */
int fcgi_connect_unix(const char *path);
int fcgi_connect_tcp(int port); /* of 127.0.0.1 */

/**
 * fcgi_send(fd, data, len, wait_ms):
 * Send all of it; false if the peer does not take it in time or is gone.
 */
bool fcgi_send(int fd, const void *data, size_t len, int wait_ms);

/* What came back for one request. */
struct fcgi_reply {
	bool ended;      /* END_REQUEST came */
	bool closed;     /* the connection ended first */
	unsigned id;     /* of the END_REQUEST */
	unsigned status; /* its protocolStatus */
	int http_status; /* from the Status header, 200 without one; 0: none */
	char *text;      /* STDOUT: headers and body; NUL-terminated */
	size_t text_len;
	const char *body; /* behind the headers, within text, or NULL */
};

/**
 * fcgi_receive(fd, wait_ms, reply_out):
 * Read records until an END_REQUEST, the end of the connection, or until
 * ${wait_ms} have passed.  True if an END_REQUEST came.  Never reads beyond
 * it.  fcgi_reply_free() afterwards, always.
 */
bool fcgi_receive(int fd, int wait_ms, struct fcgi_reply *reply_out);
void fcgi_reply_free(struct fcgi_reply *reply);

/* fcgi_ask_on(fd, ask, wait_ms, reply_out): send ${ask}, fcgi_receive(). */
bool fcgi_ask_on(int fd, const struct fcgi_ask *ask, int wait_ms,
    struct fcgi_reply *reply_out);

/**
 * fcgi_receive_record(fd, wait_ms, record_out):
 * Read one record of any type; false if none came whole in time.
 */
struct fcgi_record {
	unsigned type;
	unsigned id;
	size_t len;
	unsigned char content[65536];
};
bool fcgi_receive_record(int fd, int wait_ms, struct fcgi_record *record_out);

/* true if the peer closes within ${wait_ms}; what it sends is thrown away. */
bool fcgi_is_closed(int fd, int wait_ms);

/**
 * fcgi_get(path, uri, wait_ms):
 * One GET over a connection of its own to the unix socket ${path}: the HTTP
 * status, or 0 if there was no answer.
 */
int fcgi_get(const char *path, const char *uri, int wait_ms);

#endif
