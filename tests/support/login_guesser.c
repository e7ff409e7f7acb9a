/* SPDX-License-Identifier: ISC */
#include "support/login_guesser.h"

#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define CROWD_MAX 64

void
login_guesser_begin(struct site *site, struct guesser *g)
{
	int serial = ++site->serial;

	/* All of 127/8 is this machine. */
	snprintf(g->from, sizeof(g->from), "127.1.%d.%d", serial / 250,
	    serial % 250 + 1);
	snprintf(g->email, sizeof(g->email), "guess%d@example.org", serial);
}

static long
guess(struct web *web, const struct guesser *g, const char *password,
    struct web_reply *reply)
{
	char body[256];
	const struct web_call call = {
		.path = "/api/v1/auth/login", .body = body, .from = g->from
	};

	snprintf(body, sizeof(body), "{\"email\":\"%s\",\"password\":\"%s\"}",
	    g->email, password);
	web_call(web, &call, reply);
	return reply->status;
}

long
login_guesser_password(
    struct site *site, const struct guesser *g, const char *password)
{
	return guess(site->web, g, password, &site->reply);
}

long
login_guesser_wrong(struct site *site, const struct guesser *g)
{
	return login_guesser_password(site, g, "not this one");
}

void
login_guesser_times(struct site *site, const struct guesser *g, int n)
{
	for (int i = 0; i < n; i++) {
		(void)login_guesser_wrong(site, g);
		web_expect(&site->reply, 401, "invalid_credentials");
	}
}

void
login_guesser_refused(struct site *site, const struct guesser *g)
{
	(void)login_guesser_wrong(site, g);
	web_expect(&site->reply, 429, "rate_limited");
}

long
login_guesser_wait(struct site *site)
{
	const char *value = web_header(&site->reply, "Retry-After");
	long seconds;

	assert_non_null(value);
	seconds = strtol(value, NULL, 10);
	assert_true(seconds > 0);
	sleep((unsigned)seconds);
	return seconds;
}

struct member_of_crowd {
	struct web *web;
	const struct guesser *g;
	int each;
	atomic_int *answered;
	atomic_int *strange;
};

static void *
guess_on(void *arg)
{
	struct member_of_crowd *m = arg;
	struct web_reply reply = { 0 };

	for (int i = 0; i < m->each; i++) {
		long status = guess(m->web, m->g, "not this one", &reply);

		if (status == 401)
			atomic_fetch_add(m->answered, 1);
		else if (status != 429)
			atomic_fetch_add(m->strange, 1);
	}
	web_reply_clear(&reply);
	return NULL;
}

int
login_guesser_crowd(
    struct site *site, const struct guesser *list, int n, int each)
{
	struct member_of_crowd crowd[CROWD_MAX];
	pthread_t threads[CROWD_MAX];
	atomic_int answered = 0, strange = 0;

	assert_true(n <= CROWD_MAX);
	for (int i = 0; i < n; i++)
		crowd[i] =
		    (struct member_of_crowd){ web_new(stack_base(site->stack)),
			    &list[i], each, &answered, &strange };
	for (int i = 0; i < n; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, guess_on, &crowd[i]), 0);
	for (int i = 0; i < n; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		web_free(crowd[i].web);
	}
	assert_int_equal(strange, 0);
	return answered;
}
