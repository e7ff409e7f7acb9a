/* SPDX-License-Identifier: ISC */
#include "pool/keeping.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "auth/fetch.h"
#include "auth/issuers_file.h"
#include "auth/keeper.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/testpoint.h"
#include "config/config.h"
#include "host/gate.h"
#include "host/mapped.h"
#include "host/wish.h"
#include "store/store.h"

#define LOOK_MS 1000
/* Nobody waits for what is written here; let others go first. */
#define WRITE_WAIT_MS 5000
#define RETRY_US (10 * INT64_C(1000000))

struct keeping {
	struct mapped *mapped;
	struct issuers_config *issuers;
	struct gate *gate;
	struct keeper keeper; /* ->store is NULL: somebody else keeps */
	struct fetch *fetch;
	int64_t retry_at; /* monotonic; 0: at once */
	bool waits;       /* for the store, and the log says so */
	atomic_bool own_stop;
	pthread_t thread;
};

static atomic_bool told_to_end;

static void
on_signal(int number)
{
	(void)number;
	atomic_store(&told_to_end, true);
}

/* ---- before and after ---- */

static enum err
load_issuers(const struct config *config, struct issuers_config **issuers_out)
{
	char why[512], quoted[LOG_QUOTED_SIZE];
	enum err err;

	err = issuers_file_load(config_text(config, CONFIG_ISSUERS_FILE), why,
	    sizeof(why), issuers_out);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_ERROR, "issuers_refused", "reason=%s",
		    log_quote(quoted, why));
	return err;
}

bool
keeping_wanted(const struct config *config)
{
	struct issuers_config *issuers;
	bool wanted;

	if (config_text(config, CONFIG_ISSUERS_FILE)[0] == '\0' ||
	    load_issuers(config, &issuers) != ERR_OK)
		return false;
	wanted = issuers->count > 0;
	issuers_file_free(issuers);
	return wanted;
}

static enum err
open_all(struct keeping *k, const struct config *config)
{
	enum err err = load_issuers(config, &k->issuers);

	if (err == ERR_OK)
		err = gate_new_keeper(k->mapped, &k->gate);
	k->keeper.mapped = k->mapped;
	k->keeper.issuers = k->issuers;
	k->keeper.interval = config_int(config, CONFIG_JWKS_INTERVAL);
	secret_random(k->keeper.seed, sizeof(k->keeper.seed));
	return err;
}

static void
close_all(struct keeping *k)
{
	store_close(k->keeper.store);
	fetch_free(k->fetch);
	gate_free(k->gate);
	issuers_file_free(k->issuers);
}

/* ---- the work ---- */

/* One that is not there is not made: it would be another. */
static enum err
open_store(struct keeping *k)
{
	static const struct store_options options = { .write_wait_ms =
							  WRITE_WAIT_MS };
	const char *database = mapped_database(k->mapped);

	if (access(database, F_OK) != 0)
		return ERR_UNAVAILABLE;
	return store_open_sqlite(
	    database, k->mapped, &options, &k->keeper.store);
}

/* Are we the one?  Only that one loads libcurl, and opens the store. */
static bool
take_place(struct keeping *k)
{
	enum err err;

	if (k->keeper.store != NULL)
		return true;
	if (clock_system.mono_us() < k->retry_at)
		return false;
	if (gate_enter(k->gate, 0) != ERR_OK) {
		TESTPOINT("keeping:waits");
		return false;
	}
	err = k->fetch != NULL ? ERR_OK : fetch_new(&k->fetch);
	k->keeper.fetch = k->fetch;
	if (err == ERR_OK)
		err = open_store(k);
	if (err == ERR_OK) {
		log_event(LOG_LEVEL_INFO, "keeper_ready", "issuers=%zu",
		    k->issuers->count);
		return true;
	}
	log_event(LOG_LEVEL_ERROR, "keeper_unable", "reason=%s", err_name(err));
	gate_leave(k->gate);
	k->retry_at = clock_system.mono_us() + RETRY_US;
	return false;
}

/* As pool/worker looks once a second. */
static bool
is_current(const struct keeping *k)
{
	enum err err = ERR_OK;

	if (k->keeper.store != NULL)
		err = store_ping(k->keeper.store);
	return (err == ERR_OK || err == ERR_UNAVAILABLE) &&
	    mapped_trusted(k->mapped) && mapped_is_current(k->mapped);
}

/* Return whether there is more to do at once. */
static bool
step(struct keeping *k, int64_t now, int64_t *next)
{
	enum err err = keeper_step(&k->keeper, now, next);

	if (err != ERR_OK && !k->waits)
		log_event(
		    LOG_LEVEL_WARN, "keeper_waits", "reason=%s", err_name(err));
	k->waits = err != ERR_OK;
	return *next <= now;
}

static enum keeping_end
keep(struct keeping *k)
{
	uint32_t serial, seen = 0;
	int64_t now, next = 0;

	while (!atomic_load(k->keeper.stop)) {
		serial = wish_serial(k->mapped);
		now = mapped_time(k->mapped, clock_system.wall());
		if (!is_current(k))
			return KEEPING_REPLACE;
		if (take_place(k) && (now >= next || serial != seen)) {
			seen = serial;
			if (step(k, now, &next))
				continue;
		}
		wish_wait(k->mapped, serial, LOOK_MS);
	}
	return KEEPING_ENDED;
}

/* ---- as a process ---- */

static void
listen_to_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)signal(SIGHUP, SIG_IGN); /* the pool's business */
}

enum keeping_end
keeping_process(struct config *config)
{
	struct keeping k = { .keeper.stop = &told_to_end };
	enum keeping_end end = KEEPING_FAILED;
	enum log_level level;
	enum err err;

	listen_to_signals();
	(void)prctl(PR_SET_NAME, "latchkey-keeper");
	if (log_level_from(config_text(config, CONFIG_LOG_LEVEL), &level) ==
	    ERR_OK)
		log_set_level(level);
	err = mapped_open(config_database(config),
	    (int)config_int(config, CONFIG_TABLE_MB), &k.mapped);
	if (err == ERR_OK)
		err = open_all(&k, config);
	config_free(config);
	if (err == ERR_OK)
		end = keep(&k);
	close_all(&k);
	mapped_close(k.mapped);
	return end;
}

/* ---- as a thread ---- */

static void *
thread_main(void *arg)
{
	struct keeping *k = arg;

	/* If something was replaced, the worker finds that out as well. */
	(void)keep(k);
	return NULL;
}

enum err
keeping_start(
    const struct config *config, struct mapped *m, struct keeping **keeping_out)
{
	struct keeping *k = calloc(1, sizeof(*k));
	enum err err;

	*keeping_out = NULL;
	if (k == NULL)
		return ERR_INTERNAL;
	k->mapped = m;
	k->keeper.stop = &k->own_stop;
	err = open_all(k, config);
	if (err == ERR_OK &&
	    pthread_create(&k->thread, NULL, thread_main, k) != 0)
		err = ERR_UNAVAILABLE;
	if (err != ERR_OK) {
		close_all(k);
		free(k);
		return err;
	}
	*keeping_out = k;
	return ERR_OK;
}

void
keeping_stop(struct keeping *k)
{
	if (k == NULL)
		return;
	atomic_store(&k->own_stop, true);
	wish_wake(k->mapped);
	(void)pthread_join(k->thread, NULL);
	close_all(k);
	free(k);
}
