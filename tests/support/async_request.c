/* SPDX-License-Identifier: ISC */
#include "support/async_request.h"

#include "support/test.h"

#include <pthread.h>
#include <stdio.h>

struct async_request {
	pthread_t thread;
	struct web *web;
	struct web_call call;
	struct web_reply reply;
	char *method, *path, *body, *bearer, *cookie;
};

long
web_as(struct web *web, const struct web_call *call, const char *cookie,
    struct web_reply *reply)
{
	struct web_call with = *call;
	char line[128];
	const char *const headers[] = { line, NULL };

	snprintf(line, sizeof(line), "Cookie: latchkey=%s",
	    cookie != NULL ? cookie : "");
	if (cookie != NULL)
		with.headers = headers;
	with.no_cookies = true;
	web_call(web, &with, reply);
	return reply->status;
}

static void *
run(void *arg)
{
	struct async_request *e = arg;

	web_as(e->web, &e->call, e->cookie, &e->reply);
	return NULL;
}

static char *
copy(const char *text)
{
	char *mine = text != NULL ? strdup(text) : NULL;

	assert_true(text == NULL || mine != NULL);
	return mine;
}

struct async_request *
async_request_start(
    const char *base, const struct web_call *call, const char *cookie)
{
	struct async_request *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	assert_null(call->headers);
	e->web = web_new(base);
	e->call = *call;
	e->call.method = e->method = copy(call->method);
	e->call.path = e->path = copy(call->path);
	e->call.body = e->body = copy(call->body);
	e->call.bearer = e->bearer = copy(call->bearer);
	e->cookie = copy(cookie);
	assert_int_equal(pthread_create(&e->thread, NULL, run, e), 0);
	return e;
}

long
async_request_end(struct async_request *e, struct web_reply *reply)
{
	long status;

	assert_int_equal(pthread_join(e->thread, NULL), 0);
	status = e->reply.status;
	if (reply != NULL) {
		web_reply_clear(reply);
		*reply = e->reply;
	} else {
		web_reply_clear(&e->reply);
	}
	web_free(e->web);
	free(e->method);
	free(e->path);
	free(e->body);
	free(e->bearer);
	free(e->cookie);
	free(e);
	return status;
}
