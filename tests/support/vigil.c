/* SPDX-License-Identifier: ISC */
#include "support/vigil.h"

#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "support/errand.h"
#include "support/member.h"

struct vigil {
	pthread_t thread;
	struct web *web;
	struct member member;
	atomic_bool over;
	struct vigil_report report;
};

static void *
keep_asking(void *arg)
{
	struct vigil *v = arg;
	struct vigil_report *r = &v->report;
	struct web_reply reply = { 0 };
	struct member_call c;

	while (!atomic_load(&v->over)) {
		member_question(
		    &v->member, (enum member_way)(r->asked % MEMBER_WAYS), &c);
		web_as(v->web, &c.call, c.cookie, &reply);
		r->asked++;
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

struct vigil *
vigil_start(const char *base, const struct member *m)
{
	struct vigil *v = calloc(1, sizeof(*v));

	assert_non_null(v);
	v->web = web_new(base);
	v->member = *m;
	assert_int_equal(pthread_create(&v->thread, NULL, keep_asking, v), 0);
	return v;
}

void
vigil_end(struct vigil *v, struct vigil_report *report_out)
{
	atomic_store(&v->over, true);
	assert_int_equal(pthread_join(v->thread, NULL), 0);
	*report_out = v->report;
	web_free(v->web);
	free(v);
}

void
vigil_end_well(struct vigil *v, unsigned asked)
{
	struct vigil_report r;

	vigil_end(v, &r);
	if (r.accepted != r.asked || r.asked < asked)
		fail_msg("%u checks, %u accepted, the others %ld", r.asked,
		    r.accepted, r.other);
}
