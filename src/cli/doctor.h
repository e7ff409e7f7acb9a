/* SPDX-License-Identifier: ISC */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/context.h"
#include "cli/output.h"

/*
 * latchkey doctor; this header is for its own files only:
 *   doctor.c         the list of checks, and the output of findings
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
	bool store_good; /* context.app is open */
	bool site_good;  /* --url leads to this pool */
	int failures;
};

/* Checks one subject and reports at least one finding. */
typedef void doctor_check_fn(struct doctor *d);

extern doctor_check_fn doctor_files, doctor_store, doctor_redis, doctor_issuers,
    doctor_socket, doctor_url, doctor_guard;

/**
 * doctor_report(d, verdict, subject, cure, fmt, ...):
 * Report a finding in one line.  ${cure} says how to fix it; NULL if there is
 * nothing to fix.
 */
void doctor_report(struct doctor *d, enum doctor_verdict verdict,
    const char *subject, const char *cure, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- doctor_http.c ---- */

struct doctor_request {
	const char *url;
	const char *body;           /* NULL: GET; else POST of JSON */
	const char *session;        /* NULL: without a cookie */
	const char *const *headers; /* further ones, NULL at the end; or NULL */
};

struct doctor_answer {
	int status; /* of HTTP; 0 without an answer: see ->why */
	char why[256];
	struct buf text;  /* headers and body */
	const char *body; /* points into text */
};

/**
 * doctor_http(request, answer):
 * Send ${request} by curl(1), without following redirects, and fill in
 * ${answer}.  Call doctor_http_clear(answer) in every case.
 *
 * doctor_http_header(answer, name, dst, size):
 * Copy the value of the first header ${name} to ${dst}.  False without one.
 */
void doctor_http(
    const struct doctor_request *request, struct doctor_answer *answer);
void doctor_http_clear(struct doctor_answer *answer);
bool doctor_http_header(const struct doctor_answer *answer, const char *name,
    char *dst, size_t size);

/**
 * doctor_http_address(d, path, dst, size):
 * Write the address of ${path} on the site --url to ${dst}.  False if it does
 * not fit.
 */
bool doctor_http_address(
    const struct doctor *d, const char *path, char *dst, size_t size);

#endif
