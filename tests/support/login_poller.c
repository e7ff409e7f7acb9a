/* SPDX-License-Identifier: ISC */
#include "support/login_poller.h"

#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "support/async_request.h"
#include "support/process.h"
#include "support/signed_in_user.h"

#define WAIT_MS 60000

struct login_poller {
	pthread_t thread;
	struct web *web;
	struct signed_in_user member;
	atomic_bool over;
	atomic_uint asked;
	struct login_poller_report report;
};

static void *
keep_asking(void *arg)
{
	struct login_poller *v = arg;
	struct login_poller_report *r = &v->report;
	struct web_reply reply = { 0 };
	struct signed_in_user_call c;

	while (!atomic_load(&v->over)) {
		signed_in_user_question(&v->member,
		    (enum signed_in_user_way)(r->asked % SIGNED_IN_USER_WAYS),
		    &c);
		web_as(v->web, &c.call, c.cookie, &reply);
		r->asked++;
		atomic_store(&v->asked, r->asked);
		if (reply.status == 200)
			r->accepted++;
		else if (r->other == 0 || r->other >= 500)
			r->other = reply.status;
		if (reply.seconds > r->slowest)
			r->slowest = reply.seconds;
	}
	web_reply_clear(&reply);
	return NULL;
}

struct login_poller *
login_poller_start(const char *base, const struct signed_in_user *m)
{
	struct login_poller *v = calloc(1, sizeof(*v));

	assert_non_null(v);
	v->web = web_new(base);
	v->member = *m;
	assert_int_equal(pthread_create(&v->thread, NULL, keep_asking, v), 0);
	return v;
}

void
login_poller_end(struct login_poller *v, struct login_poller_report *report_out)
{
	atomic_store(&v->over, true);
	assert_int_equal(pthread_join(v->thread, NULL), 0);
	*report_out = v->report;
	web_free(v->web);
	free(v);
}

struct awaited {
	struct login_poller *poller;
	unsigned asked;
};

static bool
has_asked(void *ctx)
{
	const struct awaited *a = ctx;

	return atomic_load(&a->poller->asked) >= a->asked;
}

void
login_poller_end_well(struct login_poller *v, unsigned asked)
{
	struct awaited a = { v, asked };
	struct login_poller_report r;

	/* A busy machine takes longer to get there. */
	(void)process_until(has_asked, &a, WAIT_MS);
	login_poller_end(v, &r);
	if (r.accepted != r.asked || r.asked < asked)
		fail_msg("%u checks, %u accepted, the others %ld", r.asked,
		    r.accepted, r.other);
}
