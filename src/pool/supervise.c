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
#include "base/machine.h"
#include "base/str.h"
#include "config/config.h"
#include "pool/master_fingerprint.h"
#include "pool/settle.h"
#include "pool/worker_group.h"

#define SECOND ((int64_t)1000000)
#define WORKERS_MAX 512 /* the bound of LATCHKEY_WORKERS */
/* A worker takes 10 s at most to finish the requests that have arrived. */
#define TERMINATE_US (15 * SECOND)

#define LISTEN_CHECK_US (2 * SECOND)
#define LISTEN_RETRY_US (30 * SECOND)

/* A process that has been sent SIGTERM. */
struct terminating {
	TAILQ_ENTRY(terminating) link;
	pid_t pid;
	const char *name; /* in the log */
	int64_t kill_at;
};

struct pool {
	const struct pool_options *options;
	struct listener *listener;
	int64_t listen_check_at;
	struct master_fingerprint *fingerprint;
	struct worker_group *worker_group;
	struct worker_group *next; /* starting, to replace worker_group */
	TAILQ_HEAD(, terminating) terminating;
	struct worker_spawn spawn;
	bool served; /* a worker has become ready */
	bool stopping;
	bool reload_again;
	int status;            /* exit status */
	struct config *config; /* of the workers, once they are to end */
};

/* Private memory that a worker may need beside hashes, generously. */
#define WORKER_BYTES ((int64_t)4 * 1024 * 1024)

/*
 * Two for each processor and at least four, as far as a quarter of the memory
 * that a control group allows suffices.
 */
static int
workers_by_default(void)
{
	int64_t memory = machine_memory();
	int64_t cores = machine_cpus();
	int64_t n = cores > 2 ? 2 * cores : 4;

	if (memory > 0 && memory / 4 / WORKER_BYTES < n)
		n = memory / 4 / WORKER_BYTES;
	return n < 2 ? 2 : n > WORKERS_MAX ? WORKERS_MAX : (int)n;
}

static int
workers_wanted(const struct pool *p, const struct config *config)
{
	int64_t configured = config_int(config, CONFIG_WORKERS);

	if (p->options->workers > 0)
		return p->options->workers;
	if (configured > 0)
		return (int)configured;
	return workers_by_default();
}

static void
add_terminating(struct pool *p, pid_t pid, const char *name)
{
	struct terminating *l;

	if (pid == 0)
		return;
	l = calloc(1, sizeof(*l));
	(void)kill(pid, SIGTERM);
	if (l == NULL)
		return; /* it ends by itself; only SIGKILL is missing */
	l->pid = pid;
	l->name = name;
	l->kill_at = clock_system.mono_us() + TERMINATE_US;
	TAILQ_INSERT_TAIL(&p->terminating, l, link);
}

/* Terminate the processes of ${worker_group} and free it. */
static void
retire(struct pool *p, struct worker_group *worker_group)
{
	for (int i = 0; worker_group != NULL && i < worker_group->count; i++)
		add_terminating(p, worker_group->slots[i].pid, "worker");
	if (worker_group != NULL)
		add_terminating(
		    p, worker_group->jwks_slot.pid, "jwks_refresher");
	worker_group_free(worker_group);
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
	if (p->worker_group != NULL) {
		p->config = p->worker_group->config;
		p->worker_group->config = NULL;
	}
	retire(p, p->next);
	retire(p, p->worker_group);
	p->next = NULL;
	p->worker_group = NULL;
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
	if (master_fingerprint_check(config, p->fingerprint) != ERR_OK) {
		config_free(config);
		return;
	}
	if (worker_group_new(config, workers_wanted(p, config), &p->next) !=
	    ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "reload_refused", "reason=database");
		return;
	}
	log_event(
	    LOG_LEVEL_INFO, "pool_reloading", "workers=%d", p->next->count);
}

/* Terminate the workers of ${group} (NULL: none) and spawn others at once. */
static void
replace_workers(struct pool *p, struct worker_group *group, int64_t now)
{
	for (int i = 0; group != NULL && i < group->count; i++) {
		struct worker_slot *slot = &group->slots[i];

		add_terminating(p, slot->pid, "worker");
		*slot = (struct worker_slot){ .spawn_at = now };
	}
}

/*
 * Bind the socket again if its file was removed.  The workers accept from the
 * old socket, so they are replaced.
 */
static void
check_socket(struct pool *p, int64_t now)
{
	char quoted[LOG_QUOTED_SIZE];
	char why[512];

	if (p->stopping || p->listener->path[0] == '\0' ||
	    now < p->listen_check_at)
		return;
	p->listen_check_at = now + LISTEN_CHECK_US;
	if (!listen_is_missing(p->listener))
		return;
	if (listen_again(p->listener, p->options->listen,
		p->options->allow_remote, why, sizeof(why)) != ERR_OK) {
		p->listen_check_at = now + LISTEN_RETRY_US;
		log_event(LOG_LEVEL_ERROR, "socket_missing", "reason=%s",
		    log_quote(quoted, why));
		return;
	}
	log_event(LOG_LEVEL_WARN, "socket_restored", "path=%s",
	    log_quote(quoted, p->listener->path));
	p->spawn.listen_fd = p->listener->fd;
	replace_workers(p, p->worker_group, now);
	replace_workers(p, p->next, now);
}

static void
finish_reload(struct pool *p)
{
	p->next = NULL;
	if (p->reload_again) {
		p->reload_again = false;
		reload(p);
	}
}

static void
read_signals(struct pool *p)
{
	struct signalfd_siginfo info;

	while (read(p->spawn.signal_fd, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
		case SIGQUIT: stop(p, 0); break;
		case SIGHUP: reload(p); break;
		default: break; /* SIGCHLD: run() reaps */
		}
	}
}

static void
read_ready(struct pool *p)
{
	struct worker_slot *slot;
	pid_t pid;

	while (read(p->spawn.ready_from, &pid, sizeof(pid)) ==
	    (ssize_t)sizeof(pid)) {
		if (p->worker_group != NULL &&
		    (slot = worker_group_find(p->worker_group, pid)) != NULL) {
			slot->ready = true;
			if (!p->served) {
				log_event(LOG_LEVEL_INFO, "pool_ready",
				    "workers=%d", p->worker_group->count);
				worker_group_start_jwks(p->worker_group);
			}
			p->served = true;
		} else if ((slot = worker_group_find(p->next, pid)) != NULL) {
			slot->ready = true;
		}
	}
	if (p->next != NULL && worker_group_is_ready(p->next)) {
		struct worker_group *old = p->worker_group;

		log_event(LOG_LEVEL_INFO, "pool_reloaded", "workers=%d",
		    p->next->count);
		p->worker_group = p->next;
		worker_group_start_jwks(p->worker_group);
		retire(p, old);
		finish_reload(p);
	}
}

static void
log_end(const char *name, pid_t pid, int status)
{
	bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char event[32];

	str_join(event, sizeof(event), name,
	    WIFSIGNALED(status) ? "_died" : "_ended");
	if (WIFSIGNALED(status))
		log_event(LOG_LEVEL_WARN, event, "%s=%d signal=%d", name,
		    (int)pid, WTERMSIG(status));
	else
		log_event(fine ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, event,
		    "%s=%d status=%d", name, (int)pid, WEXITSTATUS(status));
}

/*
 * Remove ${pid} from the terminating processes and return its name; NULL if it
 * is not one.  The analyzer does not follow TAILQ_REMOVE() and reports a use
 * after free.
 */
static const char *
remove_terminating(struct pool *p, pid_t pid)
{
	struct terminating *l;
	const char *name;

	TAILQ_FOREACH(l, &p->terminating, link)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): see above */
		if (l->pid != pid)
			continue;
		name = l->name;
		TAILQ_REMOVE(&p->terminating, l, link);
		free(l);
		return name;
	}
	return NULL;
}

static void
process_exited(struct pool *p, pid_t pid, int status)
{
	const char *name = remove_terminating(p, pid);
	struct worker_slot *slot = worker_group_find(p->worker_group, pid);
	bool is_jwks = worker_group_is_jwks(p->worker_group, slot);

	log_end(name != NULL ? name
		: is_jwks    ? "jwks_refresher"
			     : "worker",
	    pid, status);
	if (name != NULL)
		return;
	if (slot != NULL) {
		worker_group_on_exit(
		    p->worker_group, slot, status, clock_system.mono_us());
		/* The pool never served: exit instead of retrying. */
		if (!p->served && WIFEXITED(status) &&
		    WEXITSTATUS(status) == WORKER_GROUP_EXIT_REFUSED)
			stop(p, 1);
	} else if ((slot = worker_group_find(p->next, pid)) != NULL) {
		log_event(LOG_LEVEL_ERROR, "reload_refused",
		    "reason=\"a worker did not start\"");
		slot->pid = 0;
		retire(p, p->next);
		finish_reload(p);
	}
}

static void
reap(struct pool *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		process_exited(p, pid, status);
}

static void
kill_overdue(struct pool *p, int64_t now)
{
	struct terminating *l;
	char event[32];

	TAILQ_FOREACH(l, &p->terminating, link)
	{
		/* remove_terminating() unlinks what it frees. */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (l->kill_at > now)
			continue;
		str_join(event, sizeof(event), l->name, "_killed");
		log_event(LOG_LEVEL_WARN, event, "%s=%d", l->name, (int)l->pid);
		(void)kill(l->pid, SIGKILL);
		l->kill_at = now + SECOND; /* again, unless reaped by then */
	}
}

/* Return the earlier of two times; -1 is none. */
static int64_t
earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int
wait_ms(const struct pool *p, int64_t now)
{
	const struct terminating *l = TAILQ_FIRST(&p->terminating);
	int64_t due = l != NULL ? l->kill_at : -1;

	if (p->listener->path[0] != '\0' && !p->stopping)
		due = earlier(due, p->listen_check_at);
	due = earlier(due, worker_group_next(p->worker_group));
	due = earlier(due, worker_group_next(p->next));
	if (due < 0)
		return -1;
	return due > now ? (int)((due - now + 999) / 1000) : 0;
}

static void
run(struct pool *p)
{
	while (!p->stopping || !TAILQ_EMPTY(&p->terminating)) {
		struct pollfd fds[] = {
			{ .fd = p->spawn.signal_fd, .events = POLLIN },
			{ .fd = p->spawn.ready_from, .events = POLLIN },
		};
		int64_t now = clock_system.mono_us();

		check_socket(p, now);
		if (p->worker_group != NULL)
			worker_group_spawn(p->worker_group, &p->spawn, now);
		if (p->next != NULL)
			worker_group_spawn(p->next, &p->spawn, now);
		if (poll(fds, NELEMS(fds), wait_ms(p, now)) < 0 &&
		    errno != EINTR) {
			stop(p, 1);
			return;
		}
		read_ready(p);
		reap(p);
		read_signals(p);
		kill_overdue(p, clock_system.mono_us());
	}
}

static enum err
open_signals(struct pool *p)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	/* If it were ignored, the kernel would discard exit statuses. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ERR_INTERNAL;
	p->spawn.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->spawn.signal_fd >= 0 ? ERR_OK : ERR_UNAVAILABLE;
}

int
supervise(const struct pool_options *options, struct listener *listener,
    struct master_fingerprint *fingerprint, struct config *config)
{
	struct pool p = {
		.options = options,
		.listener = listener,
		.fingerprint = fingerprint,
		.spawn = { .listen_fd = listener->fd },
	};
	int ready[2];

	TAILQ_INIT(&p.terminating);
	if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0) {
		config_free(config);
		return 1;
	}
	p.spawn.ready_from = ready[0];
	p.spawn.ready_fd = ready[1];
	if (worker_group_new(config, workers_wanted(&p, config),
		&p.worker_group) != ERR_OK ||
	    open_signals(&p) != ERR_OK) {
		worker_group_free(p.worker_group);
		p.status = 1;
	} else {
		run(&p);
		close(p.spawn.signal_fd);
		if (p.config != NULL && p.served)
			settle(p.config);
		config_free(p.config);
	}
	close(ready[0]);
	close(ready[1]);
	return p.status;
}
