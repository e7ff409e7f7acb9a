/* SPDX-License-Identifier: ISC */
#include "pool/worker_state.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/config.h"
#include "http/fcgi.h"
#include "pool/background_queue.h"
#include "pool/wiring.h"
#include "store/store_url.h"

#define OTHER_FILES 64    /* descriptors besides the connections */
#define CONNECTIONS_MIN 8 /* the minimum of LATCHKEY_CONNECTIONS */

/* Only their addresses are used. */
char worker_tag_listen, worker_tag_signal, worker_tag_background;

enum err
worker_watch(struct worker *w, int fd, uint32_t events, void *tag)
{
	struct epoll_event event = { .events = events, .data.ptr = tag };

	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0
	    ? ERR_OK
	    : ERR_UNAVAILABLE;
}

/*
 * Raise the limit of descriptors for ${connections} as far as permitted, and
 * return how many connections it allows, with OTHER_FILES left for the store,
 * Redis and large requests.
 */
static int
connections_affordable(int connections)
{
	rlim_t wanted = (rlim_t)connections + OTHER_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return connections;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur =
		    limit.rlim_max < wanted ? limit.rlim_max : wanted;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		return connections;
	return limit.rlim_cur > OTHER_FILES + CONNECTIONS_MIN
	    ? (int)limit.rlim_cur - OTHER_FILES
	    : CONNECTIONS_MIN;
}

static enum err
open_signals(struct worker *w)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigaddset(&set, SIGHUP);
	/* Block them before threads start, which inherit the mask. */
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return ERR_INTERNAL;
	(void)signal(SIGPIPE, SIG_IGN); /* libfcgi writes with write(2) */
	w->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return w->signal_fd >= 0 ? ERR_OK : ERR_UNAVAILABLE;
}

/*
 * An inherited listening socket may be blocking: a worker that loses the race
 * for a connection would sleep in accept(2) while its kept connections wait.
 */
static enum err
open_loop(struct worker *w)
{
	int flags = fcntl(w->options->listen_fd, F_GETFL);
	int max = (int)config_int(w->config, CONFIG_CONNECTIONS);

	if (flags < 0 ||
	    fcntl(w->options->listen_fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return ERR_INVALID;
	max = connections_affordable(max);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0)
		return ERR_UNAVAILABLE;
	connections_init(&w->conns, w->epoll_fd, max);
	return open_signals(w);
}

static enum err
open_threads(struct worker *w)
{
	struct connection_io *x = &w->connection_io;
	struct stat database;
	enum err err;

	err = shared_open(w->config, &w->shared);
	if (err != ERR_OK)
		return err;
	x->shm = shared_shm(w->shared);
	err = wiring_open(w->config, w->shared, WIRING_EVENT_LOOP, &x->app);
	if (err != ERR_OK)
		return err;
	err = background_queue_start(w->config, w->shared,
	    (int)config_int(w->config, CONFIG_SLOW_QUEUE),
	    &x->background_queue);
	if (err != ERR_OK)
		return err;
	if (!store_url_stat(
		config_text(w->config, CONFIG_DATABASE_URL), &database))
		return ERR_UNAVAILABLE;
	w->database_dev = database.st_dev;
	w->database_ino = database.st_ino;
	x->app->touch = background_queue_touch;
	x->app->touch_ctx = x->background_queue;
	return worker_watch(w, background_queue_event_fd(x->background_queue),
	    EPOLLIN, &worker_tag_background);
}

enum err
worker_open(struct worker *w)
{
	struct connection_io *x = &w->connection_io;
	enum err err;

	err = open_loop(w);
	if (err != ERR_OK)
		return err;
	x->conns = &w->conns;
	x->clock = &clock_system;
	request_ids_init(&x->request_ids);
	x->deadline_us = config_int(w->config, CONFIG_REQUEST_DEADLINE) * 1000;
	x->scratch = malloc(CONNECTION_DATA_MAX);
	if (x->scratch == NULL)
		return ERR_INTERNAL;
	err = fcgi_feed_new(&x->feed);
	if (err != ERR_OK)
		return err;
	err = open_threads(w);
	if (err != ERR_OK)
		return err;
	return worker_watch(w, w->signal_fd, EPOLLIN, &worker_tag_signal);
}

bool
worker_could_open(const struct config *config)
{
	struct app *app = NULL;
	struct shared *shared = NULL;
	bool could;

	could = shared_open(config, &shared) == ERR_OK &&
	    wiring_open(config, shared, WIRING_EVENT_LOOP, &app) == ERR_OK;
	wiring_close(app);
	shared_close(shared);
	return could;
}

void
worker_close(struct worker *w)
{
	struct connection_io *x = &w->connection_io;

	/* The background thread first: it may be writing to connections. */
	if (x->app != NULL)
		x->app->touch = NULL;
	background_queue_stop(x->background_queue);
	if (w->epoll_fd >= 0)
		connections_clear(&w->conns);
	if (x->app != NULL)
		wiring_close(x->app);
	if (w->shared != NULL)
		shared_close(w->shared);
	fcgi_feed_free(x->feed);
	buf_clear(&x->answer);
	buf_clear(&x->reply);
	free(x->scratch);
	if (w->signal_fd >= 0)
		close(w->signal_fd);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
}
