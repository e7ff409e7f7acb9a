/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_API_H
#define SUPPORT_API_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/request.h"
#include "routes/context.h"
#include "support/shm_fixture.h"

struct clients;
struct redis_server;

/*
 * All routes over real services in this process: store in memory, no Redis,
 * password hashes that cost next to nothing.  Requests go in as FastCGI
 * parameters, answers come out as CGI text.
 */
struct api {
	struct table table;
	struct clients *clients; /* none, unless a test loads some */
	struct app app;
	struct request_ids names;
	int64_t now;                /* a test moves it */
	int64_t clock_behind;       /* of the wall clock, which a test sets */
	int touched;                /* sessions handed on as seen */
	struct redis_server *redis; /* NULL: none */
};

#define API_EPOCH 1800000000 /* when each test begins */
#define API_PASSWORD "tide-orbit-lamp-42"
#define API_TOKEN_LIFE 900
#define API_USER_TTL 3600
#define API_SESSION_LIFE 604800

/**
 * api_open(api), api_open_with_redis(api):
 * Set up the services of a zeroed ${api}; with a Redis of its own, in
 * api->redis.  api_close(api) stops them.
 */
void api_open(struct api *api);
void api_open_with_redis(struct api *api);
void api_close(struct api *api);

/* What is NULL is not sent; on http, from 127.0.0.1, unless said otherwise. */
struct api_call {
	const char *method;
	const char *uri;
	const char *body;
	const char *type;          /* application/json if there is a body */
	const char *token;         /* Authorization: Bearer */
	const char *cookie;        /* the session id in it */
	const char *site;          /* Sec-Fetch-Site */
	const char *param;         /* one more, NAME=value */
	const char *const *params; /* and more, NULL at the end */
	bool https;
};

struct api_answer {
	int status;
	struct buf text; /* all of it */
	const char *body;
	struct json_value *json; /* NULL if the body is none */
};

/* api_run: the answer to ${call}, whose form is checked; api_free() it. */
void api_run(
    struct api *api, const struct api_call *call, struct api_answer *answer);
void api_free(struct api_answer *answer);

/* The string member ${name} of the answer, or of its member ${parent}. */
const char *api_text(const struct api_answer *answer, const char *name);
const char *api_text_in(
    const struct api_answer *answer, const char *parent, const char *name);
int64_t api_int(const struct api_answer *answer, const char *name);
/* true if the answer has this very header line, without the line's end. */
bool api_has(const struct api_answer *answer, const char *line);

/* Expect status and problem code (NULL: no problem) of ${call}. */
#define api_expect(api, status, code, ...)                                     \
	api_expect_at(api, &(struct api_call){ __VA_ARGS__ }, status, code,    \
	    __FILE__, __LINE__)
void api_expect_at(struct api *api, const struct api_call *call, int status,
    const char *code, const char *file, int line);

/**
 * api_overtake(api):
 * End the session of the next call between the check of the session and the
 * change that the call makes.  Time moves on, so that the check records that
 * the session was seen, which is where this hooks in.
 */
void api_overtake(struct api *api);

/* A session of a user. */
struct api_login {
	char id[24]; /* of the user */
	char session_id[SESSION_ID_SIZE];
	char handle[SESSION_HANDLE_SIZE];
	char token[TOKEN_TEXT_SIZE];
};

/* Register ${email}, or sign in to it, with API_PASSWORD. */
void api_register(struct api *api, const char *email, struct api_login *login);
void api_login(struct api *api, const char *email, struct api_login *login);

#endif
