/* SPDX-License-Identifier: ISC */
#ifndef HTTP_FCGI_H
#define HTTP_FCGI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf;

/*
 * A complete request that http/records.h has checked.  libfcgi reads it,
 * without its parameters, and writes the answer.  The object must not move:
 * streams of libfcgi point into it.
 */
struct fcgi;

/*
 * libfcgi reads from descriptors only, and reads ahead: from the connection it
 * would take bytes of the next request.  It reads from a feed instead, which
 * holds one request.  Each thread that makes requests has its own.
 */
struct fcgi_feed;

/*
 * fcgi_feed_new(feed_out): also prepares libfcgi, so call it once per process,
 * before other threads run.  fcgi_feed_free(NULL) does nothing.
 */
enum err fcgi_feed_new(struct fcgi_feed **feed_out) MUST_CHECK;
void fcgi_feed_free(struct fcgi_feed *feed);

/**
 * fcgi_new(feed, data, len, fd, fcgi_out):
 * Read the request of ${len} bytes at ${data}, in the form that records_scan()
 * makes.  Its answer will go to ${fd}, non-blocking and still the caller's.
 * Return ERR_INVALID if libfcgi refuses it, ERR_UNAVAILABLE without descriptors
 * or memory.
 */
enum err fcgi_new(struct fcgi_feed *feed, const unsigned char *data, size_t len,
    int fd, struct fcgi **fcgi_out) MUST_CHECK;

/*
 * fcgi_params(f): FCGI_ROLE and the parameters that the product reads
 * (http/params.def) as NAME=value, NULL at the end.
 * fcgi_body(f, len_out): the body, NUL-terminated.
 * Both are valid as long as ${f}.
 */
char *const *fcgi_params(const struct fcgi *f);
const char *fcgi_body(const struct fcgi *f, size_t *len_out);
/* fcgi_keep(f): true if the web server asked to keep the connection. */
bool fcgi_keep(const struct fcgi *f);

/**
 * fcgi_answer(f, answer):
 * Send ${answer}, CGI headers and body, and end the request.  Return
 * ERR_UNAVAILABLE if the web server has gone or does not read; the caller
 * closes the connection then.
 */
enum err fcgi_answer(struct fcgi *f, const struct buf *answer) MUST_CHECK;

/**
 * fcgi_free(f):
 * Wipe parameters and body and free the request; the descriptor stays open.
 * fcgi_free(NULL) does nothing.
 */
void fcgi_free(struct fcgi *f);

#endif
