/* SPDX-License-Identifier: ISC */
#include "support/revocation_monitor.h"

#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "support/process.h"
#include "support/signed_in_user.h"

#define THREADS 3
#define ANSWERS_AT_END 6
#define WAIT_MS 60000

struct watcher {
	pthread_t thread;
	struct revocation_monitor *watch;
	struct web *web;
	unsigned first_way;
	atomic_uint answers;
};

struct revocation_monitor {
	struct signed_in_user member;
	struct watcher watchers[THREADS];
	atomic_bool stop, ended, refused, tolerant;
	/* How often the word was broken, and other answers than yes and no. */
	atomic_uint accepted_after_end, accepted_after_refusal, odd;
	atomic_long odd_status;
};

static void
check_records(
    struct revocation_monitor *w, long status, bool ended, bool refused)
{
	if (status == 401) {
		atomic_store(&w->refused, true);
	} else if (status == 200) {
		if (ended)
			atomic_fetch_add(&w->accepted_after_end, 1);
		if (refused)
			atomic_fetch_add(&w->accepted_after_refusal, 1);
	} else if (!atomic_load(&w->tolerant) ||
	    (status != 0 && status < 500)) {
		atomic_store(&w->odd_status, status);
		atomic_fetch_add(&w->odd, 1);
	}
}

static void *
go_on(void *arg)
{
	struct watcher *me = arg;
	struct revocation_monitor *w = me->watch;

	for (unsigned i = me->first_way; !atomic_load(&w->stop); i++) {
		/* Both before the question: only what began later counts. */
		bool ended = atomic_load(&w->ended);
		bool refused = atomic_load(&w->refused);
		long status = signed_in_user_ask(me->web, &w->member,
		    (enum signed_in_user_way)(i % SIGNED_IN_USER_WAYS));

		check_records(w, status, ended, refused);
		atomic_fetch_add(&me->answers, 1);
	}
	return NULL;
}

struct revocation_monitor *
revocation_monitor_start(const char *base, const struct signed_in_user *m)
{
	struct revocation_monitor *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->member = *m;
	for (unsigned i = 0; i < THREADS; i++) {
		struct watcher *me = &w->watchers[i];

		me->watch = w;
		me->first_way = i;
		me->web = web_new(base);
		assert_int_equal(
		    pthread_create(&me->thread, NULL, go_on, me), 0);
	}
	revocation_monitor_more(w, 2);
	return w;
}

struct more {
	struct revocation_monitor *watch;
	unsigned wanted[THREADS];
};

static bool
had_more(void *ctx)
{
	struct more *more = ctx;

	for (unsigned i = 0; i < THREADS; i++) {
		if (atomic_load(&more->watch->watchers[i].answers) <
		    more->wanted[i])
			return false;
	}
	return true;
}

void
revocation_monitor_more(struct revocation_monitor *w, unsigned n)
{
	struct more more = { .watch = w };

	for (unsigned i = 0; i < THREADS; i++)
		more.wanted[i] = atomic_load(&w->watchers[i].answers) + n;
	if (!process_until(had_more, &more, WAIT_MS))
		fail_msg("the checks got no answers");
}

void
revocation_monitor_tolerate(struct revocation_monitor *w)
{
	atomic_store(&w->tolerant, true);
}

void
revocation_monitor_ended(struct revocation_monitor *w)
{
	atomic_store(&w->ended, true);
}

void
revocation_monitor_free(struct revocation_monitor *w)
{
	unsigned after_end, after_refusal, odd;
	long odd_status;

	revocation_monitor_more(w, ANSWERS_AT_END);
	atomic_store(&w->stop, true);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(w->watchers[i].thread, NULL);
		web_free(w->watchers[i].web);
	}
	after_end = atomic_load(&w->accepted_after_end);
	after_refusal = atomic_load(&w->accepted_after_refusal);
	odd = atomic_load(&w->odd);
	odd_status = atomic_load(&w->odd_status);
	free(w);
	if (after_end > 0)
		fail_msg("%u accepted after the acknowledged end", after_end);
	if (after_refusal > 0)
		fail_msg("%u accepted after a refusal", after_refusal);
	if (odd > 0)
		fail_msg("%u answers of status %ld", odd, odd_status);
}
