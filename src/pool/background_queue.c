/* SPDX-License-Identifier: ISC */
#include "pool/background_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/testpoint.h"
#include "cache/redis.h"
#include "http/fcgi.h"
#include "model/event.h"
#include "model/session.h"
#include "pool/wiring.h"
#include "routes/dispatch.h"
#include "shm/shm.h"
#include "store/store.h"

#define THREAD_NICE 10
#define MAINTENANCE_US ((int64_t)1000000)

/* Further sessions of the same second are dropped, and noted again later. */
#define TOUCHES_MAX 256

struct background_queue {
	struct app *app;
	pthread_t thread;
	pthread_mutex_t mutex; /* protects what follows */
	pthread_cond_t work;
	struct background_job *queue_first;
	struct background_job **queue_end;
	struct background_job *done_first;
	struct background_job **done_end;
	int queued;
	int queue_max;
	int pending;
	int event_fd;
	bool stopping;
	size_t touches;
	char touch[TOUCHES_MAX][SESSION_HANDLE_SIZE];
};

static void
lock(struct background_queue *q)
{
	if (pthread_mutex_lock(&q->mutex) != 0)
		abort();
}

static void
unlock(struct background_queue *q)
{
	if (pthread_mutex_unlock(&q->mutex) != 0)
		abort();
}

/* Return the next job; NULL after a second, for maintenance, or to stop. */
static struct background_job *
next_job(struct background_queue *q, bool *stop_out)
{
	struct background_job *job;
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	lock(q);
	while (q->queue_first == NULL && !q->stopping) {
		if (pthread_cond_timedwait(&q->work, &q->mutex, &until) != 0)
			break;
	}
	job = q->queue_first;
	if (job != NULL) {
		q->queue_first = job->next;
		if (q->queue_first == NULL)
			q->queue_end = &q->queue_first;
		q->queued--;
	}
	*stop_out = job == NULL && q->stopping;
	unlock(q);
	return job;
}

static void
push_finished(struct background_queue *q, struct background_job *job)
{
	uint64_t one = 1;

	lock(q);
	job->next = NULL;
	*q->done_end = job;
	q->done_end = &job->next;
	unlock(q);
	if (write(q->event_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort(); /* EAGAIN: it is readable already */
}

static void
run_job(struct background_queue *q, struct background_job *job)
{
	struct buf answer = { 0 };
	enum err err;

	TESTPOINT("background:job");
	err = dispatch_admitted(
	    q->app, &job->request, &job->rate_limit_admission, &answer);
	if (err == ERR_OK)
		err = fcgi_answer(job->fcgi, &answer);
	job->answered = err == ERR_OK;
	buf_clear(&answer);
}

static void
touch_sessions(struct background_queue *q, int64_t now)
{
	char handle[SESSION_HANDLE_SIZE];

	for (;;) {
		lock(q);
		if (q->touches == 0) {
			unlock(q);
			return;
		}
		q->touches--;
		memcpy(handle, q->touch[q->touches], sizeof(handle));
		unlock(q);
		/* The store does not wait for its lock: the next check retries.
		 */
		if (store_session_touch(q->app->store, handle, now) != ERR_OK)
			log_event(LOG_LEVEL_DEBUG, "last_seen_skipped",
			    "session=%s", handle);
	}
}

/* Log once for all processes when the clock turns out to have been wrong. */
static void
watch_clock(struct background_queue *q, int64_t now)
{
	const struct store_actor actor = { .address = "", .now = now };
	int64_t behind = clock_behind(q->app->clock, now);

	if (!shm_note_clock(q->app->shm, behind > 0))
		return;
	if (behind == 0) {
		log_event(LOG_LEVEL_INFO, "clock_caught_up", "behind_s=0");
		return;
	}
	log_event(LOG_LEVEL_WARN, event_log_name(EVENT_CLOCK_JUMP),
	    "behind_s=%jd reason=\"the clock is behind a time that the store "
	    "has seen; see latchkey clock\"",
	    (intmax_t)behind);
	if (store_clock_jump(q->app->store, &actor) != ERR_OK)
		log_event(LOG_LEVEL_WARN, "audit_skipped", "audit=%s",
		    event_audit_name(EVENT_CLOCK_JUMP));
}

static void
maintenance(struct background_queue *q)
{
	int64_t now = shm_time(q->app->shm, q->app->clock->wall());
	int64_t removed;
	enum err err;

	watch_clock(q, now);
	touch_sessions(q, now);
	err = signing_keys_maintain(&q->app->keys, now);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_DEBUG, "keys_maintenance_skipped",
		    "reason=%s", err_name(err));
	err = store_maintenance(q->app->store, now, &removed);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_DEBUG, "maintenance_skipped", "reason=%s",
		    err_name(err));
	if (q->app->redis != NULL)
		redis_probe(q->app->redis);
}

static void *
thread_main(void *arg)
{
	struct background_queue *q = arg;
	int64_t maintenance_at = 0;
	bool stop = false;

	/* On Linux each thread has a nice value. */
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), THREAD_NICE) != 0)
		log_event(
		    LOG_LEVEL_WARN, "background_priority", "errno=%d", errno);
	while (!stop) {
		struct background_job *job = next_job(q, &stop);

		if (job != NULL) {
			run_job(q, job);
			push_finished(q, job);
		}
		if (!stop && clock_system.mono_us() >= maintenance_at) {
			maintenance(q);
			maintenance_at =
			    clock_system.mono_us() + MAINTENANCE_US;
		}
	}
	return NULL;
}

static enum err
init_sync(struct background_queue *q)
{
	pthread_condattr_t attr;
	bool made;

	if (pthread_condattr_init(&attr) != 0)
		return ERR_INTERNAL;
	made = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(&q->work, &attr) == 0;
	(void)pthread_condattr_destroy(&attr);
	if (!made)
		return ERR_INTERNAL;
	if (pthread_mutex_init(&q->mutex, NULL) == 0)
		return ERR_OK;
	(void)pthread_cond_destroy(&q->work);
	return ERR_INTERNAL;
}

enum err
background_queue_start(const struct config *config, struct shared *sh,
    int queue_max, struct background_queue **background_queue_out)
{
	struct background_queue *q;
	enum err err;

	*background_queue_out = NULL;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return ERR_INTERNAL;
	q->queue_end = &q->queue_first;
	q->done_end = &q->done_first;
	q->queue_max = queue_max;
	err = init_sync(q);
	if (err != ERR_OK) {
		free(q);
		return err;
	}
	q->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->event_fd < 0) {
		err = ERR_UNAVAILABLE;
		goto fail;
	}
	err = wiring_open(config, sh, WIRING_BACKGROUND, &q->app);
	if (err != ERR_OK)
		goto fail;
	if (pthread_create(&q->thread, NULL, thread_main, q) != 0) {
		err = ERR_UNAVAILABLE;
		goto fail;
	}
	*background_queue_out = q;
	return ERR_OK;
fail:
	if (q->app != NULL)
		wiring_close(q->app);
	if (q->event_fd >= 0)
		close(q->event_fd);
	(void)pthread_mutex_destroy(&q->mutex);
	(void)pthread_cond_destroy(&q->work);
	free(q);
	return err;
}

int
background_queue_event_fd(const struct background_queue *q)
{
	return q->event_fd;
}

enum err
background_queue_submit(struct background_queue *q, struct background_job *job)
{
	bool room;

	lock(q);
	room = q->queued < q->queue_max;
	if (room) {
		job->next = NULL;
		*q->queue_end = job;
		q->queue_end = &job->next;
		q->queued++;
		q->pending++;
		(void)pthread_cond_signal(&q->work);
	}
	unlock(q);
	return room ? ERR_OK : ERR_BUSY;
}

struct background_job *
background_queue_finished(struct background_queue *q)
{
	struct background_job *job;
	uint64_t count;

	/* Read first: a job that finishes later makes it readable again. */
	if (read(q->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		abort();
	lock(q);
	job = q->done_first;
	if (job != NULL) {
		q->done_first = job->next;
		if (q->done_first == NULL)
			q->done_end = &q->done_first;
		job->next = NULL;
		q->pending--;
	}
	unlock(q);
	return job;
}

int
background_queue_pending(struct background_queue *q)
{
	int pending;

	lock(q);
	pending = q->pending;
	unlock(q);
	return pending;
}

void
background_queue_touch(void *background_queue, const char *handle)
{
	struct background_queue *q = background_queue;
	size_t i;

	lock(q);
	for (i = 0; i < q->touches; i++) {
		if (strcmp(q->touch[i], handle) == 0)
			break;
	}
	if (i == q->touches && i < TOUCHES_MAX &&
	    str_copy(q->touch[i], SESSION_HANDLE_SIZE, handle) == ERR_OK)
		q->touches++;
	unlock(q);
}

void
background_queue_stop(struct background_queue *q)
{
	struct background_job *job;

	if (q == NULL)
		return;
	lock(q);
	q->stopping = true;
	(void)pthread_cond_signal(&q->work);
	unlock(q);
	(void)pthread_join(q->thread, NULL);
	while ((job = background_queue_finished(q)) != NULL) {
		request_clear(&job->request);
		fcgi_free(job->fcgi);
		free(job);
	}
	wiring_close(q->app);
	close(q->event_fd);
	(void)pthread_mutex_destroy(&q->mutex);
	(void)pthread_cond_destroy(&q->work);
	free(q);
}
