/* SPDX-License-Identifier: ISC */
#ifndef HTTP_FCGI_H
#define HTTP_FCGI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf;

/*
 * One request on a connection where a whole, checked request lies ready (see
 * http/records.h); libfcgi reads and answers it.  The object never moves, as
 * libfcgi's streams point back into it.
 */
struct fcgi;

/**
 * fcgi_new(fd, fcgi_out):
 * Read the request from ${fd} (not blocking; it stays the caller's).  Return
 * ERR_INVALID if libfcgi refuses it after all: close ${fd}.
 */
enum err fcgi_new(int fd, struct fcgi **fcgi_out) MUST_CHECK;

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

/* fcgi_free(f): forget the request, wiping its body; leaves the descriptor. */
void fcgi_free(struct fcgi *f);

#endif
