/* SPDX-License-Identifier: ISC */
#include "pool/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "pool/background_queue.h"
#include "pool/jwks_process.h"
#include "pool/master_fingerprint.h"
#include "pool/worker_state.h"
#include "routes/context.h"
#include "shm/counters.h"
#include "shm/shm.h"
#include "store/store.h"
#include "store/store_url.h"

#define SECOND ((int64_t)1000000)
#define DRAIN_US (10 * SECOND)
/* A web server sends its request as soon as it has connected. */
#define DRAIN_FRESH_US SECOND
#define RETRY_US (10 * SECOND)
#define EVENTS_MAX 64
#define ACCEPTS_AT_END 4096 /* the backlog of pool/listen.c */

static void
pause_accepting(struct worker *w, int error)
{
	if (connections_drop_idle(&w->conns))
		return;
	log_event(LOG_LEVEL_WARN, "accept_paused", "connections=%d errno=%d",
	    w->conns.count, error);
	w->accept_paused = true;
}

/* Accept a connection; false if none waits or there is no room. */
static bool
accept_one(struct worker *w)
{
	struct connection *c;
	int fd;

	if (w->closed ||
	    (w->conns.count >= w->conns.max &&
		!connections_drop_idle(&w->conns)))
		return false;
	fd = accept4(
	    w->options->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		switch (errno) {
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM: pause_accepting(w, errno); break;
		case EINVAL: /* the supervisor has shut it down */
		case EBADF:
		case ENOTSOCK: w->closed = true; break;
		default: break; /* another worker accepted it, or it is gone */
		}
		return false;
	}
	c = connection_new(&w->conns, fd,
	    clock_system.mono_us() + w->connection_io.deadline_us);
	/* Most requests have arrived by now: read without asking epoll. */
	if (c != NULL)
		connection_io_ready(&w->connection_io, c);
	return true;
}

static void
stop_listening(struct worker *w)
{
	if (w->listening)
		(void)epoll_ctl(
		    w->epoll_fd, EPOLL_CTL_DEL, w->options->listen_fd, NULL);
	w->listening = false;
}

/*
 * Watch the listening socket while a connection would be accepted.  The kernel
 * wakes the waiting worker that has watched it longest.  A worker that got a
 * login or a kept connection watches it anew, behind the others; otherwise one
 * worker would get all logins of a quiet site and hash them one by one.
 */
static enum err
update_listening(struct worker *w)
{
	bool want = !w->connection_io.draining && !w->accept_paused &&
	    !w->closed &&
	    (w->conns.count < w->conns.max ||
		!TAILQ_EMPTY(&w->conns.lists[CONNECTION_IDLE]));

	if (!want || w->connection_io.lasting)
		stop_listening(w);
	w->connection_io.lasting = false;
	if (want == w->listening)
		return ERR_OK;
	w->listening = true;
	return worker_watch(w, w->options->listen_fd, EPOLLIN | EPOLLEXCLUSIVE,
	    &worker_tag_listen);
}

/*
 * Workers of a killed pool finish their requests.  While one of them has the
 * socket open, it queues connections that no worker accepts, and the next pool
 * finds the socket served.
 */
static void
release_socket(struct worker *w)
{
	if (w->options->alone)
		return; /* pool_run() may serve it again */
	stop_listening(w);
	w->closed = true;
	close(w->options->listen_fd);
}

/* Accept the connections that are queued now, then close the idle ones. */
static void
drain(struct worker *w, enum worker_end end)
{
	struct connection_list *idle = &w->conns.lists[CONNECTION_IDLE];
	struct connection *c, *next;
	int64_t now = clock_system.mono_us();

	if (w->connection_io.draining)
		return;
	log_event(LOG_LEVEL_INFO, "worker_draining", "connections=%d",
	    w->conns.count);
	w->end = end;
	w->drain_until = now + DRAIN_US;
	w->fresh_until = now + DRAIN_FRESH_US;
	for (int i = 0; i < ACCEPTS_AT_END && accept_one(w); i++)
		continue;
	release_socket(w);
	w->connection_io.draining = true;
	for (c = TAILQ_FIRST(idle); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		connection_io_close(&w->connection_io, c);
	}
}

static void
close_silent(struct worker *w)
{
	struct connection_list *arriving = &w->conns.lists[CONNECTION_ARRIVING];
	struct connection *c, *next;

	for (c = TAILQ_FIRST(arriving); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->fresh)
			connection_close(&w->conns, c);
	}
}

static void
reload(struct worker *w)
{
	struct config *config = NULL;
	char quoted[LOG_QUOTED_SIZE];
	char why[512];

	if (!w->options->alone)
		return; /* the supervisor reloads */
	if (config_load(w->options->config_path, why, sizeof(why), &config) ==
	    ERR_OK) {
		if (master_fingerprint_check(
			config, w->options->master_fingerprint) == ERR_OK)
			drain(w, WORKER_RELOAD);
		config_free(config);
		return;
	}
	log_event(LOG_LEVEL_ERROR, "reload_refused", "reason=%s",
	    log_quote(quoted, why));
}

static void
read_signals(struct worker *w)
{
	struct signalfd_siginfo info;

	while (
	    read(w->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(w);
		else
			drain(w, WORKER_DRAINED);
	}
}

/*
 * The database file was replaced.  If a new worker could not serve the new
 * file, stay and answer 503 until it changes; try again now and then, as the
 * reason may be another one.
 */
static bool
replacement_could_open(struct worker *w, const struct stat *now)
{
	int64_t time = clock_system.mono_us();

	if (now->st_ino == w->rejected_ino &&
	    now->st_ctim.tv_sec == w->rejected_at.tv_sec &&
	    now->st_ctim.tv_nsec == w->rejected_at.tv_nsec &&
	    time < w->retry_at)
		return false;
	if (worker_could_open(w->config))
		return true;
	w->rejected_ino = now->st_ino;
	w->rejected_at = now->st_ctim;
	w->retry_at = time + RETRY_US;
	return false;
}

/* Run once a second. */
static void
tick(struct worker *w)
{
	struct connection_io *x = &w->connection_io;
	struct stat now;
	bool there, current;
	enum err err;

	w->accept_paused = false;
	if (x->draining)
		return;
	there =
	    store_url_stat(config_text(w->config, CONFIG_DATABASE_URL), &now);
	current = there && now.st_dev == w->database_dev &&
	    now.st_ino == w->database_ino && shm_is_current(x->shm);
	/* The store notices a replaced file; requests then get 503. */
	err = store_ping(x->app->store);
	/* Refresh signing keys here, so that no request has to. */
	if (err == ERR_OK && signing_keys_refresh(&x->app->keys) != ERR_OK)
		log_event(LOG_LEVEL_DEBUG, "keys_unknown", "retry=1");
	if (current && shm_trusted(x->shm) &&
	    (err == ERR_OK || err == ERR_UNAVAILABLE))
		return;
	/* The store may have noticed first, and distrusted it already. */
	if (!w->outdated)
		log_event(LOG_LEVEL_WARN, "worker_outdated",
		    "database=%d store=%s", there, err_name(err));
	w->outdated = true;
	shm_distrust(x->shm);
	/* Without a file, a new worker would create another database. */
	if (there && replacement_could_open(w, &now))
		drain(w, WORKER_REPLACE);
}

static void
handle_event(struct worker *w, const struct epoll_event *event)
{
	void *what = event->data.ptr;
	struct connection *c;
	struct background_job *job;

	if (what == &worker_tag_listen) {
		(void)accept_one(w);
	} else if (what == &worker_tag_signal) {
		read_signals(w);
	} else if (what == &worker_tag_background) {
		while ((job = background_queue_finished(
			    w->connection_io.background_queue)) != NULL)
			connection_io_returned(&w->connection_io, job);
	} else {
		c = what;
		if ((event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
			c->hung_up = true;
		connection_io_ready(&w->connection_io, c);
	}
}

/* Connections that had more bytes than one turn reads get another turn. */
static void
continue_reading(struct worker *w)
{
	struct connection_list list;
	struct connection *c;

	TAILQ_INIT(&list);
	TAILQ_CONCAT(&list, &w->conns.again, again_link);
	while ((c = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, c, again_link);
		c->again = false;
		connection_io_ready(&w->connection_io, c);
	}
}

/* Milliseconds until something is due, rounded up to avoid a busy loop. */
static int
wait_ms(const struct worker *w, int64_t now)
{
	int64_t wait = connections_wait(&w->conns, now);

	if (!TAILQ_EMPTY(&w->conns.again))
		return 0;
	if (wait < 0 || wait > w->tick_at - now)
		wait = w->tick_at - now;
	return wait > 0 ? (int)((wait + 999) / 1000) : 0;
}

static void
handle_time(struct worker *w, int64_t now)
{
	connections_expire(&w->conns, now);
	if (now >= w->tick_at) {
		w->tick_at = now + SECOND;
		tick(w);
	}
	if (w->connection_io.draining && now >= w->fresh_until)
		close_silent(w);
}

static bool
is_drained(struct worker *w, int64_t now)
{
	if (!w->connection_io.draining)
		return false;
	if (now >= w->drain_until)
		return true;
	return w->conns.count == 0 &&
	    background_queue_pending(w->connection_io.background_queue) == 0;
}

static enum worker_end
loop(struct worker *w)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t now = clock_system.mono_us();

	w->tick_at = now + SECOND;
	while (!is_drained(w, now)) {
		int n;

		if (update_listening(w) != ERR_OK)
			return WORKER_FAILED;
		n = epoll_wait(
		    w->epoll_fd, events, EVENTS_MAX, wait_ms(w, now));
		if (n < 0 && errno != EINTR)
			return WORKER_FAILED;
		for (int i = 0; i < n; i++)
			handle_event(w, &events[i]);
		continue_reading(w);
		now = clock_system.mono_us();
		handle_time(w, now);
		connections_reap(&w->conns);
	}
	return w->end;
}

static void
report_ready(const struct worker_options *options)
{
	pid_t pid = getpid();

	if (options->ready_fd < 0)
		return;
	if (write(options->ready_fd, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		log_event(LOG_LEVEL_WARN, "worker_ready_not_reported",
		    "errno=%d", errno);
	close(options->ready_fd);
}

/* Without a supervisor a thread refreshes; after the start, not to delay it. */
static void
start_jwks_thread(struct worker *w)
{
	enum err err;

	if (!w->options->alone || !jwks_process_wanted(w->config))
		return;
	err = jwks_process_start(
	    w->config, w->connection_io.shm, &w->jwks_process);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_ERROR, "jwks_refresher_not_started",
		    "reason=%s", err_name(err));
}

enum worker_end
worker_run(const struct config *config, const struct worker_options *options)
{
	struct worker w = {
		.config = config,
		.options = options,
		.epoll_fd = -1,
		.signal_fd = -1,
	};
	enum worker_end end = WORKER_FAILED;
	enum err err;

	err = worker_open(&w);
	if (err == ERR_OK) {
		log_event(
		    LOG_LEVEL_INFO, "worker_ready", "alone=%d", options->alone);
		counters_add(w.connection_io.shm, COUNTERS_STARTED, 1);
		report_ready(options);
		start_jwks_thread(&w);
		end = loop(&w);
		jwks_process_stop(w.jwks_process);
	} else {
		log_event(LOG_LEVEL_ERROR, "worker_not_started", "reason=%s",
		    err_name(err));
		if (err == ERR_INVALID)
			end = WORKER_REFUSED;
	}
	worker_close(&w);
	return end;
}
