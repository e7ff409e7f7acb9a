/* SPDX-License-Identifier: ISC */
#ifndef HTTP_RECORDS_H
#define HTTP_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Checks the FastCGI 1.0 records of a connection before libfcgi sees them.  The
 * result is one request in its plainest form: one BEGIN_REQUEST, all parameters
 * in one PARAMS record, STDIN if the role has one, nothing else, no padding.
 * Management records and records of other requests are answered or dropped.
 */
#define RECORDS_PARAMS_MAX ((size_t)65535) /* fits one record */
#define RECORDS_BODY_MAX ((size_t)64 * 1024)
/* BEGIN 16, header of PARAMS 8, its end 8, two headers of STDIN 16, its end 8
 */
#define RECORDS_REQUEST_MAX (RECORDS_PARAMS_MAX + RECORDS_BODY_MAX + 56)
#define RECORDS_RECORD_MAX ((size_t)8 + 65535 + 255)
/* Refused parameters or a body longer than this close the connection. */
#define RECORDS_DISCARD_MAX ((size_t)16 * 1024 * 1024)

enum records_verdict {
	RECORDS_BROKEN = 0, /* close the connection */
	RECORDS_MORE,       /* wait for more bytes */
	RECORDS_REQUEST,    /* the request is complete */
	RECORDS_CLOSE       /* the request was refused: close the connection */
};

/* State of one connection; callers only read the members. */
struct records {
	unsigned max_conns; /* answer to FCGI_GET_VALUES */
	bool active;        /* a request is arriving */
	bool keep;          /* the web server keeps the connection */
	bool too_large;     /* the body exceeds the limit and was dropped */
	bool
	    params_too_large; /* the same of the parameters: all were dropped */
	bool params_done;
	unsigned id;
	unsigned role;
	size_t kept;     /* bytes of the request at the start of the data */
	size_t last;     /* offset of its last record */
	size_t body_len; /* without dropped bytes */
	size_t dropped;
	const char *why; /* of RECORDS_BROKEN, for the log */
};

/* A name-value pair (FastCGI 1.0 section 3.4), within its record. */
struct records_pair {
	const unsigned char *name;
	size_t name_len;
	const unsigned char *value;
	size_t value_len;
};

/* records_init(r, max_conns): begin a connection. */
void records_init(struct records *r, unsigned max_conns);

/**
 * records_scan(r, data, len, reply):
 * Check the *${len} bytes at ${data}: the ${r}->kept bytes that an earlier call
 * left at the start, then those that have arrived since.  Remove records that
 * the request does not need, reducing *${len}, and append answers to ${reply}
 * whatever the verdict.  After RECORDS_REQUEST the first ${r}->kept bytes are
 * the request, and bytes of the next one may follow; call records_next() then.
 * The cost per byte is bounded, however the bytes arrive.
 */
enum records_verdict records_scan(
    struct records *r, unsigned char *data, size_t *len, struct buf *reply);

/**
 * records_read_pair(data, len, at, pair_out):
 * Read the pair at ${data} + *${at} and move *${at} behind it.  Return false if
 * it does not end within ${len} bytes.
 */
bool records_read_pair(const unsigned char *data, size_t len, size_t *at,
    struct records_pair *pair_out);

/* records_next(r): the caller has removed the request from the data. */
void records_next(struct records *r);

/* true if no part of a request has arrived, so that closing loses nothing. */
bool records_quiet(const struct records *r, size_t len);

#endif
