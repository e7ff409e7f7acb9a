/* SPDX-License-Identifier: ISC */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/context.h"
#include "cli/output.h"

/*
 * latchkey doctor, for its own files only:
 *   doctor.c         the list of checks, and what is said of each
 *   doctor_files.c   folders and files
 *   doctor_store.c   store, clock
 *   doctor_redis.c   Redis
 *   doctor_issuers.c other issuers' keys
 *   doctor_socket.c  the FastCGI socket
 *   doctor_url.c     the site, as a browser sees it
 *   doctor_guard.c   guarded pages
 *   doctor_http.c    one HTTP request, by curl(1)
 */

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
	struct context context;
	struct output output; /* with --json */
	bool json;
	bool store_good; /* it is open in the desk */
	bool site_good;  /* --url leads to us */
	int failures;
};

/* One subject after the other; each has at least one thing to say. */
typedef void doctor_check_fn(struct doctor *d);

extern doctor_check_fn doctor_files, doctor_store, doctor_redis, doctor_issuers,
    doctor_socket, doctor_url, doctor_guard;

/**
 * doctor_say(d, verdict, subject, cure, fmt, ...):
 * A finding: one line.  ${cure} says what to do about it; NULL if nothing.
 */
void doctor_say(struct doctor *d, enum doctor_verdict verdict,
    const char *subject, const char *cure, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- doctor_http.c ---- */

struct doctor_ask {
	const char *url;
	const char *body;           /* NULL: GET; else POST of JSON */
	const char *session;        /* NULL: without a cookie */
	const char *const *headers; /* further ones, NULL at the end; or NULL */
};

struct doctor_answer {
	int status; /* of HTTP; 0: none, and ->why says why */
	char why[256];
	struct buf text;  /* headers and body */
	const char *body; /* in it */
};

/**
 * doctor_http(ask, answer): redirects are not followed.  doctor_http_clear()
 * afterwards, always.
 * doctor_http_header(answer, name, dst, size): the value of the first header
 * of that name; false without one.
 */
void doctor_http(const struct doctor_ask *ask, struct doctor_answer *answer);
void doctor_http_clear(struct doctor_answer *answer);
bool doctor_http_header(const struct doctor_answer *answer, const char *name,
    char *dst, size_t size);

/* The address --url with ${path} behind it; false if it is too long. */
bool doctor_http_address(
    const struct doctor *d, const char *path, char *dst, size_t size);

#endif
