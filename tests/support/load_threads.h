/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_LOAD_THREADS_H
#define TESTS_SUPPORT_LOAD_THREADS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "support/fcgi_site.h"

/*
 * Threads that each repeat one request while a test disturbs the processes that
 * serve it.  A request that was sent whole must be answered, and is counted as
 * dropped if it is not.  A connection that takes no more requests is replaced,
 * as web servers do.
 */
#define LOAD_THREADS 16

struct load_threads {
	/* set by the caller; the rest is zero */
	const struct stack *stack;
	const struct fcgi_ask *asks; /* one thread for each */
	size_t count;
	int slow_ms; /* what takes longer is counted as slow */
	/* to be read at any time */
	atomic_int answered; /* with 200 */
	atomic_int wrong;    /* with anything else */
	atomic_int dropped;  /* sent, and not answered within 30 s */
	atomic_int refused;  /* not sent */
	atomic_int slow;
	atomic_int last_wrong; /* the status */
	/* its own */
	atomic_bool over;
	atomic_int next;
	pthread_t threads[LOAD_THREADS];
};

/* load_threads_start(h): start the threads. */
void load_threads_start(struct load_threads *h);
/* Wait until ${n} more requests have been answered. */
void load_threads_wait(struct load_threads *h, int n);
/* End the threads; the test fails if any request was wrong or dropped. */
void load_threads_stop(struct load_threads *h);

#endif
