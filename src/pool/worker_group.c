/* SPDX-License-Identifier: ISC */
#include "pool/worker_group.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "pool/jwks_process.h"
#include "pool/worker.h"
#include "shm/shm.h"

#define SECOND ((int64_t)1000000)
#define DELAY_FIRST (SECOND / 10)
#define DELAY_MOST (10 * SECOND)

static enum err
open_mapped(const struct config *config, struct shm **shm_out)
{
	return shm_attach(config_state_dir(config),
	    (int)config_int(config, CONFIG_MEMORY_CACHE_MB), shm_out);
}

enum err
worker_group_new(
    struct config *config, int count, struct worker_group **worker_group_out)
{
	struct worker_group *worker_group;
	enum err err = ERR_INTERNAL;

	*worker_group_out = NULL;
	worker_group = calloc(1, sizeof(*worker_group));
	if (worker_group == NULL) {
		config_free(config);
		return err;
	}
	worker_group->config = config;
	worker_group->count = count;
	worker_group->places =
	    calloc((size_t)count, sizeof(*worker_group->places));
	if (worker_group->places != NULL)
		err = open_mapped(config, &worker_group->shm);
	if (err != ERR_OK) {
		worker_group_free(worker_group);
		return err;
	}
	*worker_group_out = worker_group;
	return ERR_OK;
}

void
worker_group_free(struct worker_group *worker_group)
{
	if (worker_group == NULL)
		return;
	shm_detach(worker_group->shm);
	config_free(worker_group->config);
	free(worker_group->places);
	free(worker_group);
}

static int
exit_status(enum worker_end end)
{
	switch (end) {
	case WORKER_DRAINED: return WORKER_GROUP_EXIT_DRAINED;
	case WORKER_REFUSED: return WORKER_GROUP_EXIT_REFUSED;
	case WORKER_REPLACE: return WORKER_GROUP_EXIT_REPLACE;
	case WORKER_RELOAD: /* not of one that is not alone */
	case WORKER_FAILED: break;
	}
	return WORKER_GROUP_EXIT_FAILED;
}

/* In the child: nothing of the parent's but what it is born with. */
static void
part_from_pool(struct worker_group *worker_group,
    const struct worker_spawn *birth, pid_t parent)
{
	sigset_t none;

	/* A pool that is killed leaves no processes behind. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		exit(WORKER_GROUP_EXIT_FAILED);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	close(birth->signal_fd);
	close(birth->ready_from);
	shm_detach(worker_group->shm); /* a view is not to be shared */
	worker_group->shm = NULL;
}

static void
work(struct worker_group *worker_group, const struct worker_spawn *birth)
{
	const struct worker_options options = {
		.listen_fd = birth->listen_fd,
		.ready_fd = birth->ready_fd,
	};

	exit(exit_status(worker_run(worker_group->config, &options)));
}

static void
keep(struct worker_group *worker_group, const struct worker_spawn *birth)
{
	enum jwks_process_end end;

	close(birth->listen_fd);
	close(birth->ready_fd);
	end = jwks_process_main(worker_group->config);
	exit(end == JWKS_PROCESS_ENDED        ? WORKER_GROUP_EXIT_DRAINED
		: end == JWKS_PROCESS_REPLACE ? WORKER_GROUP_EXIT_REPLACE
					      : WORKER_GROUP_EXIT_FAILED);
}

static void
fill(struct worker_group *worker_group, struct worker_slot *place,
    const struct worker_spawn *birth, int64_t now)
{
	bool jwks_refresh = worker_group_is_jwks(worker_group, place);
	pid_t parent = getpid();

	if (place->pid != 0 || place->fill_at > now)
		return;
	(void)fflush(NULL); /* or the child would write it again */
	place->pid = fork();
	if (place->pid == 0) {
		part_from_pool(worker_group, birth, parent);
		if (jwks_refresh)
			keep(worker_group, birth);
		else
			work(worker_group, birth);
	}
	if (place->pid < 0) {
		log_event(LOG_LEVEL_ERROR,
		    jwks_refresh ? "keeper_not_forked" : "worker_not_forked",
		    "errno=%d", errno);
		place->pid = 0;
		place->fill_at = now + SECOND;
		return;
	}
	place->ready = false;
	place->started_at = now;
	log_event(LOG_LEVEL_INFO,
	    jwks_refresh ? "keeper_started" : "worker_started", "%s=%d",
	    jwks_refresh ? "keeper" : "worker", (int)place->pid);
}

void
worker_group_spawn(struct worker_group *worker_group,
    const struct worker_spawn *birth, int64_t now)
{
	for (int i = 0; i < worker_group->count; i++)
		fill(worker_group, &worker_group->places[i], birth, now);
	if (worker_group->keeps)
		fill(worker_group, &worker_group->jwks_refresh, birth, now);
}

void
worker_group_start_jwks(struct worker_group *worker_group)
{
	worker_group->keeps = jwks_process_wanted(worker_group->config);
}

int64_t
worker_group_next(const struct worker_group *worker_group)
{
	int64_t next = -1;

	if (worker_group != NULL && worker_group->keeps &&
	    worker_group->jwks_refresh.pid == 0)
		next = worker_group->jwks_refresh.fill_at;
	for (int i = 0; worker_group != NULL && i < worker_group->count; i++) {
		const struct worker_slot *place = &worker_group->places[i];

		if (place->pid == 0 && (next < 0 || place->fill_at < next))
			next = place->fill_at;
	}
	return next;
}

bool
worker_group_is_jwks(
    const struct worker_group *worker_group, const struct worker_slot *place)
{
	return worker_group != NULL && place == &worker_group->jwks_refresh;
}

struct worker_slot *
worker_group_find(struct worker_group *worker_group, pid_t pid)
{
	if (worker_group != NULL && worker_group->jwks_refresh.pid == pid)
		return &worker_group->jwks_refresh;
	for (int i = 0; worker_group != NULL && i < worker_group->count; i++) {
		if (worker_group->places[i].pid == pid)
			return &worker_group->places[i];
	}
	return NULL;
}

bool
worker_group_is_ready(const struct worker_group *worker_group)
{
	for (int i = 0; i < worker_group->count; i++) {
		if (!worker_group->places[i].ready)
			return false;
	}
	return true;
}

/* The file was replaced under the workers: hold the new one for the next. */
static void
renew_mapped(struct worker_group *worker_group)
{
	struct shm *shm;

	if (shm_is_current(worker_group->shm) ||
	    open_mapped(worker_group->config, &shm) != ERR_OK)
		return;
	shm_detach(worker_group->shm);
	worker_group->shm = shm;
}

/* At once, unless it keeps dying: then 0.1 s, 0.2 s, up to 10 s. */
void
worker_group_on_exit(struct worker_group *worker_group,
    struct worker_slot *place, int status, int64_t now)
{
	int64_t delay = 0;

	if (WIFEXITED(status) &&
	    WEXITSTATUS(status) == WORKER_GROUP_EXIT_REPLACE)
		renew_mapped(worker_group);
	if (now - place->started_at >= SECOND)
		place->failures = 0;
	else
		place->failures++;
	for (int i = 1; i < place->failures && delay < DELAY_MOST; i++)
		delay = delay == 0 ? DELAY_FIRST : 2 * delay;
	place->pid = 0;
	place->ready = false;
	place->fill_at = now + (delay < DELAY_MOST ? delay : DELAY_MOST);
}
