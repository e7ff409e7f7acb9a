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
#include "model/session.h"
#include "pool/wiring.h"
#include "routes/dispatch.h"
#include "store/store.h"

#define LANE_NICE 10
#define MAINTENANCE_US ((int64_t)1000000)

/* More sessions than that may become due in a second; they come again. */
#define TOUCHES_MAX 256

struct background_queue {
	struct app *services;
	pthread_t thread;
	pthread_mutex_t mutex; /* over all that follows */
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
lock(struct background_queue *l)
{
	if (pthread_mutex_lock(&l->mutex) != 0)
		abort();
}

static void
unlock(struct background_queue *l)
{
	if (pthread_mutex_unlock(&l->mutex) != 0)
		abort();
}

/* Wait a second at most, so that the upkeep gets its turn. */
static struct background_job *
next_job(struct background_queue *l, bool *stop_out)
{
	struct background_job *job;
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	lock(l);
	while (l->queue_first == NULL && !l->stopping) {
		if (pthread_cond_timedwait(&l->work, &l->mutex, &until) != 0)
			break;
	}
	job = l->queue_first;
	if (job != NULL) {
		l->queue_first = job->next;
		if (l->queue_first == NULL)
			l->queue_end = &l->queue_first;
		l->queued--;
	}
	*stop_out = job == NULL && l->stopping;
	unlock(l);
	return job;
}

static void
give_back(struct background_queue *l, struct background_job *job)
{
	uint64_t one = 1;

	lock(l);
	job->next = NULL;
	*l->done_end = job;
	l->done_end = &job->next;
	unlock(l);
	if (write(l->event_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort(); /* EAGAIN: it is readable as it is */
}

static void
run_job(struct background_queue *l, struct background_job *job)
{
	struct buf answer = { 0 };
	enum err err;

	TESTPOINT("lane:job");
	err = dispatch_admitted(
	    l->services, &job->request, &job->rate_limit_admission, &answer);
	if (err == ERR_OK)
		err = fcgi_answer(job->fcgi, &answer);
	job->answered = err == ERR_OK;
	buf_clear(&answer);
}

static void
touch_sessions(struct background_queue *l, int64_t now)
{
	char handle[SESSION_HANDLE_SIZE];

	for (;;) {
		lock(l);
		if (l->touches == 0) {
			unlock(l);
			return;
		}
		l->touches--;
		memcpy(handle, l->touch[l->touches], sizeof(handle));
		unlock(l);
		/* The store does not wait for its lock; it comes again. */
		if (store_session_touch(l->services->store, handle, now) !=
		    ERR_OK)
			log_event(LOG_LEVEL_DEBUG, "last_seen_skipped",
			    "session=%s", handle);
	}
}

static void
maintenance(struct background_queue *l)
{
	int64_t now = clock_system.wall();
	int64_t removed;
	enum err err;

	touch_sessions(l, now);
	err = signing_keys_maintain(&l->services->keys, now);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_DEBUG, "keys_upkeep_skipped", "reason=%s",
		    err_name(err));
	err = store_maintenance(l->services->store, now, &removed);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_DEBUG, "upkeep_skipped", "reason=%s",
		    err_name(err));
	if (l->services->redis != NULL)
		redis_probe(l->services->redis);
}

static void *
lane_main(void *arg)
{
	struct background_queue *l = arg;
	int64_t upkeep_at = 0;
	bool stop = false;

	/* On Linux a thread has a nice value of its own. */
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), LANE_NICE) != 0)
		log_event(LOG_LEVEL_WARN, "lane_priority", "errno=%d", errno);
	while (!stop) {
		struct background_job *job = next_job(l, &stop);

		if (job != NULL) {
			run_job(l, job);
			give_back(l, job);
		}
		if (!stop && clock_system.mono_us() >= upkeep_at) {
			maintenance(l);
			upkeep_at = clock_system.mono_us() + MAINTENANCE_US;
		}
	}
	return NULL;
}

static enum err
init_waiting(struct background_queue *l)
{
	pthread_condattr_t attr;
	bool made;

	if (pthread_condattr_init(&attr) != 0)
		return ERR_INTERNAL;
	made = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(&l->work, &attr) == 0;
	(void)pthread_condattr_destroy(&attr);
	if (!made)
		return ERR_INTERNAL;
	if (pthread_mutex_init(&l->mutex, NULL) == 0)
		return ERR_OK;
	(void)pthread_cond_destroy(&l->work);
	return ERR_INTERNAL;
}

enum err
background_queue_start(const struct config *config, struct shared *sh,
    int queue_max, struct background_queue **background_queue_out)
{
	struct background_queue *l;
	enum err err;

	*background_queue_out = NULL;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return ERR_INTERNAL;
	l->queue_end = &l->queue_first;
	l->done_end = &l->done_first;
	l->queue_max = queue_max;
	err = init_waiting(l);
	if (err != ERR_OK) {
		free(l);
		return err;
	}
	l->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->event_fd < 0) {
		err = ERR_UNAVAILABLE;
		goto fail;
	}
	err = wiring_open(config, sh, WIRING_SLOW, &l->services);
	if (err != ERR_OK)
		goto fail;
	if (pthread_create(&l->thread, NULL, lane_main, l) != 0) {
		err = ERR_UNAVAILABLE;
		goto fail;
	}
	*background_queue_out = l;
	return ERR_OK;
fail:
	if (l->services != NULL)
		wiring_close(l->services);
	if (l->event_fd >= 0)
		close(l->event_fd);
	(void)pthread_mutex_destroy(&l->mutex);
	(void)pthread_cond_destroy(&l->work);
	free(l);
	return err;
}

int
background_queue_event_fd(const struct background_queue *l)
{
	return l->event_fd;
}

enum err
background_queue_submit(struct background_queue *l, struct background_job *job)
{
	bool room;

	lock(l);
	room = l->queued < l->queue_max;
	if (room) {
		job->next = NULL;
		*l->queue_end = job;
		l->queue_end = &job->next;
		l->queued++;
		l->pending++;
		(void)pthread_cond_signal(&l->work);
	}
	unlock(l);
	return room ? ERR_OK : ERR_BUSY;
}

struct background_job *
background_queue_finished(struct background_queue *l)
{
	struct background_job *job;
	uint64_t count;

	/* First: a job that is done after this makes it readable again. */
	if (read(l->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		abort();
	lock(l);
	job = l->done_first;
	if (job != NULL) {
		l->done_first = job->next;
		if (l->done_first == NULL)
			l->done_end = &l->done_first;
		job->next = NULL;
		l->pending--;
	}
	unlock(l);
	return job;
}

int
background_queue_pending(struct background_queue *l)
{
	int pending;

	lock(l);
	pending = l->pending;
	unlock(l);
	return pending;
}

void
background_queue_touch(void *background_queue, const char *handle)
{
	struct background_queue *l = background_queue;
	size_t i;

	lock(l);
	for (i = 0; i < l->touches; i++) {
		if (strcmp(l->touch[i], handle) == 0)
			break;
	}
	if (i == l->touches && i < TOUCHES_MAX &&
	    str_copy(l->touch[i], SESSION_HANDLE_SIZE, handle) == ERR_OK)
		l->touches++;
	unlock(l);
}

void
background_queue_stop(struct background_queue *l)
{
	struct background_job *job;

	if (l == NULL)
		return;
	lock(l);
	l->stopping = true;
	(void)pthread_cond_signal(&l->work);
	unlock(l);
	(void)pthread_join(l->thread, NULL);
	while ((job = background_queue_finished(l)) != NULL) {
		request_clear(&job->request);
		fcgi_free(job->fcgi);
		free(job);
	}
	wiring_close(l->services);
	close(l->event_fd);
	(void)pthread_mutex_destroy(&l->mutex);
	(void)pthread_cond_destroy(&l->work);
	free(l);
}
