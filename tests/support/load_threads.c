/* SPDX-License-Identifier: ISC */
#include "support/load_threads.h"

#include "support/test.h"

#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/process.h"

#define WAIT_MS 60000

static void
count_reply(struct load_threads *h, const struct fcgi_reply *reply)
{
	if (!reply->ended) {
		atomic_fetch_add(&h->dropped, 1);
	} else if (reply->http_status == 200) {
		atomic_fetch_add(&h->answered, 1);
	} else {
		atomic_store(&h->last_wrong, reply->http_status);
		atomic_fetch_add(&h->wrong, 1);
	}
}

/* One request on ${fd}; false if that connection is of no use any more. */
static bool
strike(struct load_threads *h, const struct fcgi_ask *ask,
    const struct fcgi_bytes *bytes, int fd)
{
	int64_t start = clock_system.mono_us();
	struct fcgi_reply reply;
	bool ended;

	if (!fcgi_send(fd, bytes->data, bytes->len, WAIT_MS)) {
		atomic_fetch_add(&h->refused, 1);
		return false;
	}
	ended = fcgi_receive(fd, WAIT_MS, &reply);
	if (clock_system.mono_us() - start > (int64_t)h->slow_ms * 1000)
		atomic_fetch_add(&h->slow, 1);
	count_reply(h, &reply);
	fcgi_reply_free(&reply);
	return ended && ask->keep;
}

static void *
load_main(void *arg)
{
	static const struct timespec ms = { .tv_nsec = 1000000 };
	struct load_threads *h = arg;
	const struct fcgi_ask *ask = &h->asks[atomic_fetch_add(&h->next, 1)];
	struct fcgi_bytes bytes = { 0 };
	int fd = -1;

	fcgi_put_request(&bytes, ask);
	while (!atomic_load(&h->over)) {
		if (fd < 0 && (fd = stack_connect(h->stack)) < 0) {
			atomic_fetch_add(&h->refused, 1);
			(void)nanosleep(&ms, NULL);
			continue;
		}
		if (strike(h, ask, &bytes, fd))
			continue;
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		close(fd);
	fcgi_bytes_free(&bytes);
	return NULL;
}

void
load_threads_start(struct load_threads *h)
{
	assert_in_range(h->count, 1, LOAD_THREADS);
	for (size_t i = 0; i < h->count; i++)
		assert_int_equal(
		    pthread_create(&h->threads[i], NULL, load_main, h), 0);
}

struct progress {
	const struct load_threads *load;
	int until;
};

static bool
is_there(void *ctx)
{
	const struct progress *p = ctx;

	return atomic_load(&p->load->answered) >= p->until;
}

void
load_threads_wait(struct load_threads *h, int n)
{
	struct progress p = { .load = h,
		.until = atomic_load(&h->answered) + n };

	if (!process_until(is_there, &p, WAIT_MS))
		fail_msg("%d answered, %d wrong, %d dropped, %d refused",
		    atomic_load(&h->answered), atomic_load(&h->wrong),
		    atomic_load(&h->dropped), atomic_load(&h->refused));
}

void
load_threads_stop(struct load_threads *h)
{
	atomic_store(&h->over, true);
	for (size_t i = 0; i < h->count; i++)
		assert_int_equal(pthread_join(h->threads[i], NULL), 0);
	if (atomic_load(&h->wrong) != 0 || atomic_load(&h->dropped) != 0)
		fail_msg("%d wrong (%d), %d dropped, %d answered",
		    atomic_load(&h->wrong), atomic_load(&h->last_wrong),
		    atomic_load(&h->dropped), atomic_load(&h->answered));
}
