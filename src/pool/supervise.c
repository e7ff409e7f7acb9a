/* SPDX-License-Identifier: ISC */
#include "pool/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "pool/crew.h"
#include "pool/secret_mark.h"

#define SECOND ((int64_t)1000000)
/* A worker gives itself 10 s to finish what has arrived. */
#define LEAVE_US (15 * SECOND)

/* A process that was told to end. */
struct leaver {
	TAILQ_ENTRY(leaver) link;
	pid_t pid;
	const char *name; /* as the log calls it */
	int64_t kill_at;
};

struct pool {
	const struct pool_options *options;
	const struct listener *listener;
	struct secret_mark *mark;
	struct crew *crew;
	struct crew *next; /* while they start to replace the crew */
	TAILQ_HEAD(, leaver) leavers;
	struct crew_birth birth;
	bool served; /* a worker has been ready */
	bool stopping;
	bool reload_again;
	int status; /* of the whole */
};

static int
workers_wanted(const struct pool *p, const struct config *config)
{
	int64_t configured = config_int(config, CONFIG_WORKERS);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (p->options->workers > 0)
		return p->options->workers;
	if (configured > 0)
		return (int)configured;
	return cores > 2 ? (int)cores * 2 : 4;
}

static void
add_leaver(struct pool *p, pid_t pid, const char *name)
{
	struct leaver *l;

	if (pid == 0)
		return;
	l = calloc(1, sizeof(*l));
	(void)kill(pid, SIGTERM);
	if (l == NULL)
		return; /* it ends by itself, unwatched */
	l->pid = pid;
	l->name = name;
	l->kill_at = clock_system.mono_us() + LEAVE_US;
	TAILQ_INSERT_TAIL(&p->leavers, l, link);
}

/* Tell all of ${crew} to end, and forget it. */
static void
dismiss(struct pool *p, struct crew *crew)
{
	for (int i = 0; crew != NULL && i < crew->count; i++)
		add_leaver(p, crew->places[i].pid, "worker");
	if (crew != NULL)
		add_leaver(p, crew->keeper.pid, "keeper");
	crew_free(crew);
}

static void
stop(struct pool *p, int status)
{
	if (p->stopping)
		return;
	p->stopping = true;
	p->status = status;
	log_event(LOG_LEVEL_INFO, "pool_stopping", "status=%d", status);
	listen_stop(p->listener);
	dismiss(p, p->next);
	dismiss(p, p->crew);
	p->next = NULL;
	p->crew = NULL;
}

static void
reload(struct pool *p)
{
	struct config *config = NULL;
	char quoted[LOG_QUOTED_SIZE];
	char why[512];

	if (p->stopping)
		return;
	if (p->next != NULL) {
		p->reload_again = true;
		return;
	}
	if (config_load(p->options->config_path, why, sizeof(why), &config) !=
	    ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "reload_refused", "reason=%s",
		    log_quote(quoted, why));
		return;
	}
	if (secret_mark_check(config, p->mark) != ERR_OK) {
		config_free(config);
		return;
	}
	if (crew_new(config, workers_wanted(p, config), &p->next) != ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "reload_refused", "reason=database");
		return;
	}
	log_event(
	    LOG_LEVEL_INFO, "pool_reloading", "workers=%d", p->next->count);
}

static void
reload_over(struct pool *p)
{
	p->next = NULL;
	if (p->reload_again) {
		p->reload_again = false;
		reload(p);
	}
}

static void
take_signals(struct pool *p)
{
	struct signalfd_siginfo info;

	while (read(p->birth.signal_fd, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT: stop(p, 0); break;
		case SIGHUP: reload(p); break;
		default: break; /* SIGCHLD: they are reaped anyway */
		}
	}
}

static void
take_ready(struct pool *p)
{
	struct crew_place *place;
	pid_t pid;

	while (read(p->birth.ready_from, &pid, sizeof(pid)) ==
	    (ssize_t)sizeof(pid)) {
		if (p->crew != NULL &&
		    (place = crew_find(p->crew, pid)) != NULL) {
			place->ready = true;
			if (!p->served) {
				log_event(LOG_LEVEL_INFO, "pool_ready",
				    "workers=%d", p->crew->count);
				crew_keep(p->crew);
			}
			p->served = true;
		} else if ((place = crew_find(p->next, pid)) != NULL) {
			place->ready = true;
		}
	}
	if (p->next != NULL && crew_is_ready(p->next)) {
		struct crew *old = p->crew;

		log_event(LOG_LEVEL_INFO, "pool_reloaded", "workers=%d",
		    p->next->count);
		p->crew = p->next;
		crew_keep(p->crew);
		dismiss(p, old);
		reload_over(p);
	}
}

static void
log_end(const char *name, pid_t pid, int status)
{
	bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char event[32];

	text_join(event, sizeof(event), name,
	    WIFSIGNALED(status) ? "_died" : "_ended");
	if (WIFSIGNALED(status))
		log_event(LOG_LEVEL_WARN, event, "%s=%d signal=%d", name,
		    (int)pid, WTERMSIG(status));
	else
		log_event(fine ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, event,
		    "%s=%d status=%d", name, (int)pid, WEXITSTATUS(status));
}

/*
 * Under which name it was to leave; NULL if it was not.  The analyzer does not
 * follow TAILQ_REMOVE(): what it takes for freed in the list has left it.
 */
static const char *
take_leaver(struct pool *p, pid_t pid)
{
	struct leaver *l;
	const char *name;

	TAILQ_FOREACH(l, &p->leavers, link)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): see above */
		if (l->pid != pid)
			continue;
		name = l->name;
		TAILQ_REMOVE(&p->leavers, l, link);
		free(l);
		return name;
	}
	return NULL;
}

static void
ended(struct pool *p, pid_t pid, int status)
{
	const char *leaver = take_leaver(p, pid);
	struct crew_place *place = crew_find(p->crew, pid);
	bool keeper = crew_is_keeper(p->crew, place);

	log_end(leaver != NULL ? leaver
		: keeper       ? "keeper"
			       : "worker",
	    pid, status);
	if (leaver != NULL)
		return;
	if (place != NULL) {
		crew_vacate(p->crew, place, status, clock_system.mono_us());
		/* Before there ever was a service: say so by ending. */
		if (!p->served && WIFEXITED(status) &&
		    WEXITSTATUS(status) == CREW_EXIT_REFUSED)
			stop(p, 1);
	} else if ((place = crew_find(p->next, pid)) != NULL) {
		log_event(LOG_LEVEL_ERROR, "reload_refused",
		    "reason=\"a worker did not start\"");
		place->pid = 0;
		dismiss(p, p->next);
		reload_over(p);
	}
}

static void
reap(struct pool *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		ended(p, pid, status);
}

static void
kill_late(struct pool *p, int64_t now)
{
	struct leaver *l;
	char event[32];

	TAILQ_FOREACH(l, &p->leavers, link)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): take_leaver() */
		if (l->kill_at > now)
			continue;
		text_join(event, sizeof(event), l->name, "_killed");
		log_event(LOG_LEVEL_WARN, event, "%s=%d", l->name, (int)l->pid);
		(void)kill(l->pid, SIGKILL);
		l->kill_at = now + SECOND; /* until it has been reaped */
	}
}

/* Of two times, where -1 is none. */
static int64_t
earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int
wait_ms(const struct pool *p, int64_t now)
{
	const struct leaver *l = TAILQ_FIRST(&p->leavers);
	int64_t due = l != NULL ? l->kill_at : -1;

	due = earlier(due, crew_next(p->crew));
	due = earlier(due, crew_next(p->next));
	if (due < 0)
		return -1;
	return due > now ? (int)((due - now + 999) / 1000) : 0;
}

static void
run(struct pool *p)
{
	while (!p->stopping || !TAILQ_EMPTY(&p->leavers)) {
		struct pollfd fds[] = {
			{ .fd = p->birth.signal_fd, .events = POLLIN },
			{ .fd = p->birth.ready_from, .events = POLLIN },
		};
		int64_t now = clock_system.mono_us();

		if (p->crew != NULL)
			crew_fill(p->crew, &p->birth, now);
		if (p->next != NULL)
			crew_fill(p->next, &p->birth, now);
		if (poll(fds, NELEMS(fds), wait_ms(p, now)) < 0 &&
		    errno != EINTR) {
			stop(p, 1);
			return;
		}
		take_ready(p);
		reap(p);
		take_signals(p);
		kill_late(p, clock_system.mono_us());
	}
}

static enum err
open_signals(struct pool *p)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	/* Ignored, it would take our children's status away. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ERR_INTERNAL;
	p->birth.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->birth.signal_fd >= 0 ? ERR_OK : ERR_UNAVAILABLE;
}

int
supervise(const struct pool_options *options, const struct listener *listener,
    struct secret_mark *mark, struct config *config)
{
	struct pool p = {
		.options = options,
		.listener = listener,
		.mark = mark,
		.birth = { .listen_fd = listener->fd },
	};
	int ready[2];

	TAILQ_INIT(&p.leavers);
	if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0) {
		config_free(config);
		return 1;
	}
	p.birth.ready_from = ready[0];
	p.birth.ready_fd = ready[1];
	if (crew_new(config, workers_wanted(&p, config), &p.crew) != ERR_OK ||
	    open_signals(&p) != ERR_OK) {
		crew_free(p.crew);
		p.status = 1;
	} else {
		run(&p);
		close(p.birth.signal_fd);
	}
	close(ready[0]);
	close(ready[1]);
	return p.status;
}
