/* SPDX-License-Identifier: ISC */
#ifndef HTTP_RECORDS_H
#define HTTP_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * The FastCGI 1.0 records that have arrived on a connection, looked at before
 * libfcgi may see them.  What passes is one request in its plainest form: one
 * BEGIN_REQUEST, its PARAMS in one record, its STDIN if its role has one,
 * nothing else, no padding.  Management records and whatever else may stand
 * between are answered or dropped here.
 */
#define RECORDS_PARAMS_MAX ((size_t)65535) /* so that one record holds them */
#define RECORDS_BODY_MAX ((size_t)64 * 1024)
/* BEGIN 16, PARAMS 8 and its end 8, the body's two headers 16 and end 8 */
#define RECORDS_REQUEST_MAX (RECORDS_PARAMS_MAX + RECORDS_BODY_MAX + 56)
#define RECORDS_RECORD_MAX ((size_t)8 + 65535 + 255)
/* What a body that is refused may have before the connection is given up. */
#define RECORDS_DISCARD_MAX ((size_t)16 * 1024 * 1024)

enum records_verdict {
	RECORDS_BROKEN = 0, /* close the connection */
	RECORDS_MORE,       /* wait for more bytes */
	RECORDS_REQUEST,    /* a whole request lies ready */
	RECORDS_CLOSE       /* the peer asked for something we refuse: close */
};

/* State of one connection; the members are for reading only. */
struct records {
	unsigned max_conns; /* what FCGI_GET_VALUES is told */
	bool active;        /* a request is arriving */
	bool keep;          /* it asked to keep the connection */
	bool too_large;     /* its body is beyond the limit and was dropped */
	bool params_done;
	unsigned id;
	unsigned role;
	size_t kept;     /* bytes of the request at the start of the data */
	size_t last;     /* where its last record starts */
	size_t body_len; /* without what was dropped */
	size_t dropped;
	const char *why; /* RECORDS_BROKEN: a word for the log */
};

void records_init(struct records *r, unsigned max_conns);

/**
 * records_scan(r, data, len, reply):
 * Go on judging the *${len} bytes at ${data}: first the ${r}->kept bytes that
 * an earlier call left there, then what has arrived since.  Records that the
 * request does not need are taken out, *${len} shrinks by them, and what must
 * be answered is appended to ${reply} whatever the verdict.  After
 * RECORDS_REQUEST the first ${r}->kept bytes are the request, bytes of a
 * following one may stand behind it; go on with records_next().  Every byte is
 * looked at a bounded number of times, however the bytes are dealt out.
 */
enum records_verdict records_scan(
    struct records *r, unsigned char *data, size_t *len, struct buf *reply);

/* records_next(r): the request has been taken from the start of the data. */
void records_next(struct records *r);

/* true if no request has begun to arrive: nothing is lost by closing. */
bool records_quiet(const struct records *r, size_t len);

#endif
