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

#define SECOND ((int64_t)1000000)
#define DRAIN_US (10 * SECOND)
/* A web server writes as soon as it has connected. */
#define DRAIN_FRESH_US SECOND
#define JUDGE_US (10 * SECOND)
#define EVENTS_MAX 64
#define ACCEPTS_AT_END 4096 /* as many as may be queued (pool/listen.c) */

static void
starve(struct worker *w, int error)
{
	if (connections_drop_idle(&w->conns))
		return;
	log_event(LOG_LEVEL_WARN, "accept_paused", "connections=%d errno=%d",
	    w->conns.count, error);
	w->starved = true;
}

/* Take one connection; false if there is none, or none may be taken. */
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
		case ENOMEM: starve(w, errno); break;
		case EINVAL: /* shut down by the pool, which is ending */
		case EBADF:
		case ENOTSOCK: w->closed = true; break;
		default: break; /* another worker was faster, or it left */
		}
		return false;
	}
	c = connection_new(&w->conns, fd,
	    clock_system.mono_us() + w->connection_io.deadline_us);
	/* Mostly the request lies there already: no need to ask epoll. */
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
 * Watch the listening socket exactly as long as we would accept.  The kernel
 * wakes the one that has watched it for longest, if that one is waiting: so
 * who has got a login or a connection to keep begins anew, behind the others.
 * Or one worker would get all that comes slowly, and hash it one by one.
 */
static enum err
update_listening(struct worker *w)
{
	bool want = !w->connection_io.draining && !w->starved && !w->closed &&
	    (w->conns.count < w->conns.max ||
		!TAILQ_EMPTY(&w->conns.lists[CONNECTION_IDLE]));

	if (!want || w->connection_io.busier)
		stop_listening(w);
	w->connection_io.busier = false;
	if (want == w->listening)
		return ERR_OK;
	w->listening = true;
	return worker_watch(w, w->options->listen_fd, EPOLLIN | EPOLLEXCLUSIVE,
	    &worker_tag_listen);
}

/*
 * A pool that was killed leaves workers that finish what has arrived.  As long
 * as one has the socket open, connections to it are queued for nobody, and the
 * next pool finds it served.
 */
static void
leave_socket(struct worker *w)
{
	if (w->options->alone)
		return; /* it may begin anew, and serve it again */
	stop_listening(w);
	w->closed = true;
	close(w->options->listen_fd);
}

/* Take what has been queued for us, and no more; part from idle ones. */
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
	leave_socket(w);
	w->connection_io.draining = true;
	for (c = TAILQ_FIRST(idle); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		connection_io_close(&w->connection_io, c);
	}
}

static void
close_fresh(struct worker *w)
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
		return; /* the pool's business */
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
take_signals(struct worker *w)
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
 * Something else lies where the database was.  If a new worker could not serve
 * that either we stay, and say 503, until it changes; whatever else may have
 * stood in the way is asked for every now and then.
 */
static bool
successor_could_open(struct worker *w, const struct stat *now)
{
	int64_t time = clock_system.mono_us();

	if (now->st_ino == w->refused_ino &&
	    now->st_ctim.tv_sec == w->refused_at.tv_sec &&
	    now->st_ctim.tv_nsec == w->refused_at.tv_nsec && time < w->judge_at)
		return false;
	if (worker_could_open(w->config))
		return true;
	w->refused_ino = now->st_ino;
	w->refused_at = now->st_ctim;
	w->judge_at = time + JUDGE_US;
	return false;
}

/* Once a second. */
static void
tick(struct worker *w)
{
	struct connection_io *x = &w->connection_io;
	struct stat now;
	bool there, current;
	enum err err;

	w->starved = false;
	if (x->draining)
		return;
	there = stat(config_database(w->config), &now) == 0;
	current = there && now.st_dev == w->database_dev &&
	    now.st_ino == w->database_ino && shm_is_current(x->shm);
	/* Only so that the store finds out; who asks it is told 503. */
	err = store_ping(x->services->store);
	/* Nor need a request be the first to know of other keys. */
	if (err == ERR_OK && signing_keys_refresh(&x->services->keys) != ERR_OK)
		log_event(LOG_LEVEL_DEBUG, "keys_unknown", "retry=1");
	if (current && shm_trusted(x->shm) &&
	    (err == ERR_OK || err == ERR_UNAVAILABLE))
		return;
	/* The store may have found out, and distrusted it, before. */
	if (!w->outdated)
		log_event(LOG_LEVEL_WARN, "worker_outdated",
		    "database=%d store=%s", there, err_name(err));
	w->outdated = true;
	shm_distrust(x->shm);
	/* A new worker would make a new database where there is none. */
	if (there && successor_could_open(w, &now))
		drain(w, WORKER_REPLACE);
}

static void
take_event(struct worker *w, const struct epoll_event *event)
{
	void *what = event->data.ptr;
	struct connection *c;
	struct background_job *job;

	if (what == &worker_tag_listen) {
		(void)accept_one(w);
	} else if (what == &worker_tag_signal) {
		take_signals(w);
	} else if (what == &worker_tag_lane) {
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

/* Those that had more bytes than one turn takes; each once. */
static void
look_again(struct worker *w)
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

/* Milliseconds until something is due; rounded up, or it would spin. */
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
take_time(struct worker *w)
{
	int64_t now = clock_system.mono_us();

	connections_expire(&w->conns, now);
	if (now >= w->tick_at) {
		w->tick_at = now + SECOND;
		tick(w);
	}
	if (w->connection_io.draining && now >= w->fresh_until)
		close_fresh(w);
}

static bool
is_over(struct worker *w)
{
	if (!w->connection_io.draining)
		return false;
	if (clock_system.mono_us() >= w->drain_until)
		return true;
	return w->conns.count == 0 &&
	    background_queue_pending(w->connection_io.background_queue) == 0;
}

static enum worker_end
loop(struct worker *w)
{
	struct epoll_event events[EVENTS_MAX];

	w->tick_at = clock_system.mono_us() + SECOND;
	while (!is_over(w)) {
		int n;

		if (update_listening(w) != ERR_OK)
			return WORKER_FAILED;
		n = epoll_wait(w->epoll_fd, events, EVENTS_MAX,
		    wait_ms(w, clock_system.mono_us()));
		if (n < 0 && errno != EINTR)
			return WORKER_FAILED;
		for (int i = 0; i < n; i++)
			take_event(w, &events[i]);
		look_again(w);
		take_time(w);
		connections_reap(&w->conns);
	}
	return w->end;
}

static void
say_ready(const struct worker_options *options)
{
	pid_t pid = getpid();

	if (options->ready_fd < 0)
		return;
	if (write(options->ready_fd, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		log_event(LOG_LEVEL_WARN, "worker_ready_not_reported",
		    "errno=%d", errno);
	close(options->ready_fd);
}

/* Without a supervisor it is ours; after the start, which it must not delay. */
static void
start_keeping(struct worker *w)
{
	enum err err;

	if (!w->options->alone || !jwks_process_wanted(w->config))
		return;
	err = jwks_process_start(
	    w->config, w->connection_io.shm, &w->jwks_process);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_ERROR, "keeper_not_started", "reason=%s",
		    err_name(err));
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
		say_ready(options);
		start_keeping(&w);
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
