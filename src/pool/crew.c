/* SPDX-License-Identifier: ISC */
#include "pool/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "host/mapped.h"
#include "pool/keeping.h"
#include "pool/worker.h"

#define SECOND ((int64_t)1000000)
#define DELAY_FIRST (SECOND / 10)
#define DELAY_MOST (10 * SECOND)

static enum err
open_mapped(const struct config *config, struct mapped **mapped_out)
{
	return mapped_open(config_database(config),
	    (int)config_int(config, CONFIG_TABLE_MB), mapped_out);
}

enum err
crew_new(struct config *config, int count, struct crew **crew_out)
{
	struct crew *crew;
	enum err err = ERR_INTERNAL;

	*crew_out = NULL;
	crew = calloc(1, sizeof(*crew));
	if (crew == NULL) {
		config_free(config);
		return err;
	}
	crew->config = config;
	crew->count = count;
	crew->places = calloc((size_t)count, sizeof(*crew->places));
	if (crew->places != NULL)
		err = open_mapped(config, &crew->mapped);
	if (err != ERR_OK) {
		crew_free(crew);
		return err;
	}
	*crew_out = crew;
	return ERR_OK;
}

void
crew_free(struct crew *crew)
{
	if (crew == NULL)
		return;
	mapped_close(crew->mapped);
	config_free(crew->config);
	free(crew->places);
	free(crew);
}

static int
exit_status(enum worker_end end)
{
	switch (end) {
	case WORKER_DRAINED: return CREW_EXIT_DRAINED;
	case WORKER_REFUSED: return CREW_EXIT_REFUSED;
	case WORKER_REPLACE: return CREW_EXIT_REPLACE;
	case WORKER_RELOAD: /* not of one that is not alone */
	case WORKER_FAILED: break;
	}
	return CREW_EXIT_FAILED;
}

/* In the child: nothing of the parent's but what it is born with. */
static void
part_from_pool(struct crew *crew, const struct crew_birth *birth, pid_t parent)
{
	sigset_t none;

	/* A pool that is killed leaves no processes behind. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		exit(CREW_EXIT_FAILED);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	close(birth->signal_fd);
	close(birth->ready_from);
	mapped_close(crew->mapped); /* a view is not to be shared */
	crew->mapped = NULL;
}

static void
work(struct crew *crew, const struct crew_birth *birth)
{
	const struct worker_options options = {
		.listen_fd = birth->listen_fd,
		.ready_fd = birth->ready_fd,
	};

	exit(exit_status(worker_run(crew->config, &options)));
}

static void
keep(struct crew *crew, const struct crew_birth *birth)
{
	enum keeping_end end;

	close(birth->listen_fd);
	close(birth->ready_fd);
	end = keeping_process(crew->config);
	exit(end == KEEPING_ENDED        ? CREW_EXIT_DRAINED
		: end == KEEPING_REPLACE ? CREW_EXIT_REPLACE
					 : CREW_EXIT_FAILED);
}

static void
fill(struct crew *crew, struct crew_place *place,
    const struct crew_birth *birth, int64_t now)
{
	bool keeper = crew_is_keeper(crew, place);
	pid_t parent = getpid();

	if (place->pid != 0 || place->fill_at > now)
		return;
	(void)fflush(NULL); /* or the child would write it again */
	place->pid = fork();
	if (place->pid == 0) {
		part_from_pool(crew, birth, parent);
		if (keeper)
			keep(crew, birth);
		else
			work(crew, birth);
	}
	if (place->pid < 0) {
		log_event(LOG_LEVEL_ERROR,
		    keeper ? "keeper_not_forked" : "worker_not_forked",
		    "errno=%d", errno);
		place->pid = 0;
		place->fill_at = now + SECOND;
		return;
	}
	place->ready = false;
	place->started_at = now;
	log_event(LOG_LEVEL_INFO, keeper ? "keeper_started" : "worker_started",
	    "%s=%d", keeper ? "keeper" : "worker", (int)place->pid);
}

void
crew_fill(struct crew *crew, const struct crew_birth *birth, int64_t now)
{
	for (int i = 0; i < crew->count; i++)
		fill(crew, &crew->places[i], birth, now);
	if (crew->keeps)
		fill(crew, &crew->keeper, birth, now);
}

void
crew_keep(struct crew *crew)
{
	crew->keeps = keeping_wanted(crew->config);
}

int64_t
crew_next(const struct crew *crew)
{
	int64_t next = -1;

	if (crew != NULL && crew->keeps && crew->keeper.pid == 0)
		next = crew->keeper.fill_at;
	for (int i = 0; crew != NULL && i < crew->count; i++) {
		const struct crew_place *place = &crew->places[i];

		if (place->pid == 0 && (next < 0 || place->fill_at < next))
			next = place->fill_at;
	}
	return next;
}

bool
crew_is_keeper(const struct crew *crew, const struct crew_place *place)
{
	return crew != NULL && place == &crew->keeper;
}

struct crew_place *
crew_find(struct crew *crew, pid_t pid)
{
	if (crew != NULL && crew->keeper.pid == pid)
		return &crew->keeper;
	for (int i = 0; crew != NULL && i < crew->count; i++) {
		if (crew->places[i].pid == pid)
			return &crew->places[i];
	}
	return NULL;
}

bool
crew_is_ready(const struct crew *crew)
{
	for (int i = 0; i < crew->count; i++) {
		if (!crew->places[i].ready)
			return false;
	}
	return true;
}

/* The file was replaced under the workers: hold the new one for the next. */
static void
renew_mapped(struct crew *crew)
{
	struct mapped *mapped;

	if (mapped_is_current(crew->mapped) ||
	    open_mapped(crew->config, &mapped) != ERR_OK)
		return;
	mapped_close(crew->mapped);
	crew->mapped = mapped;
}

/* At once, unless it keeps dying: then 0.1 s, 0.2 s, up to 10 s. */
void
crew_vacate(
    struct crew *crew, struct crew_place *place, int status, int64_t now)
{
	int64_t delay = 0;

	if (WIFEXITED(status) && WEXITSTATUS(status) == CREW_EXIT_REPLACE)
		renew_mapped(crew);
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
