/* SPDX-License-Identifier: ISC */
#ifndef HTTP_FCGI_H
#define HTTP_FCGI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf;

/*
 * One request that has arrived whole and was checked (http/records.h): libfcgi
 * reads it and writes its answer.  The object never moves, as libfcgi's
 * streams point back into it.
 */
struct fcgi;

/*
 * libfcgi reads from a descriptor only, and reads ahead: given the connection
 * it would swallow what stands behind the request.  So it reads from this,
 * where nothing but the one request ever lies.  One for each thread that makes
 * requests.
 */
struct fcgi_feed;

/* Prepares libfcgi too; once per process, before other threads run. */
enum err fcgi_feed_new(struct fcgi_feed **feed_out) MUST_CHECK;
/* NULL is fine. */
void fcgi_feed_free(struct fcgi_feed *feed);

/**
 * fcgi_new(feed, data, len, fd, fcgi_out):
 * Read the one request of ${len} bytes at ${data}, which is in the form that
 * records_scan() makes.  Its answer will go to ${fd} (not blocking; it stays
 * the caller's).  Return ERR_INVALID if libfcgi refuses it after all,
 * ERR_UNAVAILABLE without descriptors or memory.
 */
enum err fcgi_new(struct fcgi_feed *feed, const unsigned char *data, size_t len,
    int fd, struct fcgi **fcgi_out) MUST_CHECK;

/* Parameters (NAME=value, NULL at the end) and body; live as long as ${f}. */
char *const *fcgi_params(const struct fcgi *f);
const char *fcgi_body(const struct fcgi *f, size_t *len_out);
/* true if the web server asked to keep the connection. */
bool fcgi_keep(const struct fcgi *f);

/**
 * fcgi_answer(f, answer):
 * Send ${answer} (CGI headers and body) and end the request.  ERR_UNAVAILABLE
 * if the web server is gone or does not read: close the connection.
 */
enum err fcgi_answer(struct fcgi *f, const struct buf *answer) MUST_CHECK;

/**
 * fcgi_free(f):
 * Forget the request, wiping its body and parameters; leaves the descriptor.
 * NULL is fine.
 */
void fcgi_free(struct fcgi *f);

#endif
