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
#include "base/str.h"
#include "config/config.h"
#include "pool/jwks_process.h"
#include "pool/worker.h"
#include "shm/shm.h"

#define SECOND ((int64_t)1000000)
#define DELAY_FIRST (SECOND / 10)
#define DELAY_MOST (10 * SECOND)

static enum err
attach_shm(const struct config *config, struct shm **shm_out)
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
	worker_group->slots =
	    calloc((size_t)count, sizeof(*worker_group->slots));
	if (worker_group->slots != NULL)
		err = attach_shm(config, &worker_group->shm);
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
	free(worker_group->slots);
	free(worker_group);
}

static int
exit_status(enum worker_end end)
{
	switch (end) {
	case WORKER_DRAINED: return WORKER_GROUP_EXIT_DRAINED;
	case WORKER_REFUSED: return WORKER_GROUP_EXIT_REFUSED;
	case WORKER_REPLACE: return WORKER_GROUP_EXIT_REPLACE;
	case WORKER_RELOAD: /* only without a supervisor */
	case WORKER_FAILED: break;
	}
	return WORKER_GROUP_EXIT_FAILED;
}

/* In the child: release what belongs to the supervisor. */
static void
detach_from_supervisor(struct worker_group *worker_group,
    const struct worker_spawn *spawn, pid_t parent)
{
	sigset_t none;

	/* If the supervisor is killed, its children end too. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		exit(WORKER_GROUP_EXIT_FAILED);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	close(spawn->signal_fd);
	close(spawn->ready_from);
	shm_detach(worker_group->shm); /* each process attaches by itself */
	worker_group->shm = NULL;
}

static void
run_worker(struct worker_group *worker_group, const struct worker_spawn *spawn)
{
	const struct worker_options options = {
		.listen_fd = spawn->listen_fd,
		.ready_fd = spawn->ready_fd,
	};

	exit(exit_status(worker_run(worker_group->config, &options)));
}

static void
run_jwks_process(
    struct worker_group *worker_group, const struct worker_spawn *spawn)
{
	enum jwks_process_end end;

	close(spawn->listen_fd);
	close(spawn->ready_fd);
	end = jwks_process_main(worker_group->config);
	exit(end == JWKS_PROCESS_ENDED        ? WORKER_GROUP_EXIT_DRAINED
		: end == JWKS_PROCESS_REPLACE ? WORKER_GROUP_EXIT_REPLACE
					      : WORKER_GROUP_EXIT_FAILED);
}

static void
spawn_slot(struct worker_group *worker_group, struct worker_slot *slot,
    const struct worker_spawn *spawn, int64_t now)
{
	bool is_jwks = worker_group_is_jwks(worker_group, slot);
	const char *name = is_jwks ? "jwks_refresher" : "worker";
	pid_t parent = getpid();
	char event[32];

	if (slot->pid != 0 || slot->spawn_at > now)
		return;
	(void)fflush(NULL); /* so that the child does not write it again */
	slot->pid = fork();
	if (slot->pid == 0) {
		detach_from_supervisor(worker_group, spawn, parent);
		if (is_jwks)
			run_jwks_process(worker_group, spawn);
		else
			run_worker(worker_group, spawn);
	}
	if (slot->pid < 0) {
		str_join(event, sizeof(event), name, "_not_forked");
		log_event(LOG_LEVEL_ERROR, event, "errno=%d", errno);
		slot->pid = 0;
		slot->spawn_at = now + SECOND;
		return;
	}
	slot->ready = false;
	slot->started_at = now;
	str_join(event, sizeof(event), name, "_started");
	log_event(LOG_LEVEL_INFO, event, "%s=%d", name, (int)slot->pid);
}

void
worker_group_spawn(struct worker_group *worker_group,
    const struct worker_spawn *spawn, int64_t now)
{
	for (int i = 0; i < worker_group->count; i++)
		spawn_slot(worker_group, &worker_group->slots[i], spawn, now);
	if (worker_group->has_jwks)
		spawn_slot(worker_group, &worker_group->jwks_slot, spawn, now);
}

void
worker_group_start_jwks(struct worker_group *worker_group)
{
	worker_group->has_jwks = jwks_process_wanted(worker_group->config);
}

int64_t
worker_group_next(const struct worker_group *worker_group)
{
	int64_t next = -1;

	if (worker_group != NULL && worker_group->has_jwks &&
	    worker_group->jwks_slot.pid == 0)
		next = worker_group->jwks_slot.spawn_at;
	for (int i = 0; worker_group != NULL && i < worker_group->count; i++) {
		const struct worker_slot *slot = &worker_group->slots[i];

		if (slot->pid == 0 && (next < 0 || slot->spawn_at < next))
			next = slot->spawn_at;
	}
	return next;
}

bool
worker_group_is_jwks(
    const struct worker_group *worker_group, const struct worker_slot *slot)
{
	return worker_group != NULL && slot == &worker_group->jwks_slot;
}

struct worker_slot *
worker_group_find(struct worker_group *worker_group, pid_t pid)
{
	if (worker_group != NULL && worker_group->jwks_slot.pid == pid)
		return &worker_group->jwks_slot;
	for (int i = 0; worker_group != NULL && i < worker_group->count; i++) {
		if (worker_group->slots[i].pid == pid)
			return &worker_group->slots[i];
	}
	return NULL;
}

bool
worker_group_is_ready(const struct worker_group *worker_group)
{
	for (int i = 0; i < worker_group->count; i++) {
		if (!worker_group->slots[i].ready)
			return false;
	}
	return true;
}

/* The shared memory file was replaced: attach the new one. */
static void
reattach_shm(struct worker_group *worker_group)
{
	struct shm *shm;

	if (shm_is_current(worker_group->shm) ||
	    attach_shm(worker_group->config, &shm) != ERR_OK)
		return;
	shm_detach(worker_group->shm);
	worker_group->shm = shm;
}

/* Respawn at once; if it has_jwks failing, after 0.1 s, 0.2 s, up to 10 s. */
void
worker_group_on_exit(struct worker_group *worker_group,
    struct worker_slot *slot, int status, int64_t now)
{
	int64_t delay = 0;

	if (WIFEXITED(status) &&
	    WEXITSTATUS(status) == WORKER_GROUP_EXIT_REPLACE)
		reattach_shm(worker_group);
	if (now - slot->started_at >= SECOND)
		slot->failures = 0;
	else
		slot->failures++;
	for (int i = 1; i < slot->failures && delay < DELAY_MOST; i++)
		delay = delay == 0 ? DELAY_FIRST : 2 * delay;
	slot->pid = 0;
	slot->ready = false;
	slot->spawn_at = now + (delay < DELAY_MOST ? delay : DELAY_MOST);
}
