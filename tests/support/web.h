/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_WEB_H
#define SUPPORT_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct json_value;

/* A browser's worth of HTTP client: one cookie jar, kept connections. */
struct web;

struct web_call {
	const char *method; /* NULL: POST with a body, else GET */
	const char *path;   /* with query */
	const char *body;   /* NULL: none */
	size_t body_len;    /* 0: up to the NUL */
	const char *type;   /* NULL: application/json when there is a body */
	const char *bearer; /* NULL: no Authorization header */
	const char *const *headers; /* "Name: value", NULL at the end */
	const char *from;           /* address to ask from; NULL: 127.0.0.1 */
	bool no_cookies;            /* neither send nor take any */
	bool no_site;               /* leave out Sec-Fetch-Site: same-origin */
	long wait_ms;               /* 0: 20 s */
};

struct web_reply {
	long status; /* 0: no answer */
	struct buf headers;
	struct buf body;
	struct json_value *json; /* NULL if the body is none */
	double seconds;
};

/* web_new(base): a browser at the site ${base}; web_free(w) ends it. */
struct web *web_new(const char *base);
void web_free(struct web *w);
/* Forget the cookies: another device. */
void web_forget(struct web *w);

/**
 * web_call(w, call, reply):
 * ${reply} is cleared first, so one struct (zero-initialised) serves a whole
 * test; web_reply_clear() at its end.
 */
void web_call(
    struct web *w, const struct web_call *call, struct web_reply *reply);
void web_reply_clear(struct web_reply *reply);

/* The string at "member.member" of the answer, or NULL. */
const char *web_text(const struct web_reply *reply, const char *path);
/* The number there; fails the test if there is none. */
long long web_number(const struct web_reply *reply, const char *path);
/* Value of the header (first of that name), or NULL; valid until next call. */
const char *web_header(struct web_reply *reply, const char *name);

/**
 * web_expect(reply, status, code):
 * Fail the test, printing the answer, unless it has ${status} and, with
 * ${code} not NULL, is a problem+json of that code that holds all a problem
 * must; every answer must be no-store.
 */
#define web_expect(reply, status, code)                                        \
	web_expect_at((reply), (status), (code), __FILE__, __LINE__)
void web_expect_at(struct web_reply *reply, long status, const char *code,
    const char *file, int line);

/* Shorthands: JSON in, reply out. */
void web_post(
    struct web *w, const char *path, const char *body, struct web_reply *reply);
void web_get(struct web *w, const char *path, struct web_reply *reply);

/* Register or sign in with WEB_PASSWORD; anything but 201 or 200 fails. */
#define WEB_PASSWORD "correct horse battery 9"
void web_register(struct web *w, const char *email, struct web_reply *reply);
void web_login(struct web *w, const char *email, struct web_reply *reply);

#endif
