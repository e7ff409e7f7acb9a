/* SPDX-License-Identifier: ISC */
#include "pool/jwks_process.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/testpoint.h"
#include "config/config.h"
#include "issuers/http_get.h"
#include "issuers/issuers_config.h"
#include "issuers/jwks_refresh.h"
#include "shm/jwks_refresh_request.h"
#include "shm/semaphore.h"
#include "shm/shm.h"
#include "store/store.h"

#define LOOK_MS 1000
/* Nobody waits for what is written here; let others go first. */
#define WRITE_WAIT_MS 5000
#define RETRY_US (10 * INT64_C(1000000))

struct jwks_process {
	struct shm *shm;
	char *database_url;
	struct issuers_config *issuers;
	struct semaphore *semaphore;
	struct jwks_refresh
	    jwks_refresh; /* ->store is NULL: somebody else keeps */
	struct http_client *http_client;
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

	err = issuers_config_load(config_text(config, CONFIG_ISSUERS_FILE), why,
	    sizeof(why), issuers_out);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_ERROR, "issuers_refused", "reason=%s",
		    log_quote(quoted, why));
	return err;
}

bool
jwks_process_wanted(const struct config *config)
{
	struct issuers_config *issuers;
	bool wanted;

	if (config_text(config, CONFIG_ISSUERS_FILE)[0] == '\0' ||
	    load_issuers(config, &issuers) != ERR_OK)
		return false;
	wanted = issuers->count > 0;
	issuers_config_free(issuers);
	return wanted;
}

static enum err
open_all(struct jwks_process *k, const struct config *config)
{
	enum err err = load_issuers(config, &k->issuers);

	k->database_url = strdup(config_text(config, CONFIG_DATABASE_URL));
	if (err == ERR_OK && k->database_url == NULL)
		err = ERR_INTERNAL;
	if (err == ERR_OK)
		err = semaphore_new_jwks_refresh(k->shm, &k->semaphore);
	k->jwks_refresh.shm = k->shm;
	k->jwks_refresh.issuers = k->issuers;
	k->jwks_refresh.interval = config_int(config, CONFIG_JWKS_INTERVAL);
	random_fill(k->jwks_refresh.seed, sizeof(k->jwks_refresh.seed));
	return err;
}

static void
close_all(struct jwks_process *k)
{
	store_close(k->jwks_refresh.store);
	free(k->database_url);
	http_libcurl_free(k->http_client);
	semaphore_free(k->semaphore);
	issuers_config_free(k->issuers);
}

/* ---- the work ---- */

/* A missing database is not created here: it would be a different one. */
static enum err
open_store(struct jwks_process *k)
{
	static const struct store_options options = {
		.write_wait_ms = WRITE_WAIT_MS, .existing = true
	};

	return store_open(
	    k->database_url, k->shm, &options, &k->jwks_refresh.store);
}

/* Are we the one?  Only that one loads libcurl, and opens the store. */
static bool
take_place(struct jwks_process *k)
{
	enum err err;

	if (k->jwks_refresh.store != NULL)
		return true;
	if (clock_system.mono_us() < k->retry_at)
		return false;
	if (semaphore_acquire(k->semaphore, 0) != ERR_OK) {
		TESTPOINT("keeping:waits");
		return false;
	}
	err =
	    k->http_client != NULL ? ERR_OK : http_libcurl_new(&k->http_client);
	k->jwks_refresh.http_client = k->http_client;
	if (err == ERR_OK)
		err = open_store(k);
	if (err == ERR_OK) {
		log_event(LOG_LEVEL_INFO, "keeper_ready", "issuers=%zu",
		    k->issuers->count);
		return true;
	}
	log_event(LOG_LEVEL_ERROR, "jwks_refresh_unavailable", "reason=%s",
	    err_name(err));
	semaphore_release(k->semaphore);
	k->retry_at = clock_system.mono_us() + RETRY_US;
	return false;
}

/* As pool/worker looks once a second. */
static bool
is_current(const struct jwks_process *k)
{
	enum err err = ERR_OK;

	if (k->jwks_refresh.store != NULL)
		err = store_ping(k->jwks_refresh.store);
	return (err == ERR_OK || err == ERR_UNAVAILABLE) &&
	    shm_trusted(k->shm) && shm_is_current(k->shm);
}

/* Return whether there is more to do at once. */
static bool
step(struct jwks_process *k, int64_t now, int64_t *next)
{
	enum err err = jwks_refresh_step(&k->jwks_refresh, now, next);

	if (err != ERR_OK && !k->waits)
		log_event(LOG_LEVEL_WARN, "jwks_refresh_blocked_by_store",
		    "reason=%s", err_name(err));
	k->waits = err != ERR_OK;
	return *next <= now;
}

static enum jwks_process_end
keep(struct jwks_process *k)
{
	uint32_t serial, seen = 0;
	int64_t now, next = 0;

	while (!atomic_load(k->jwks_refresh.stop)) {
		serial = jwks_refresh_request_serial(k->shm);
		now = shm_time(k->shm, clock_system.wall());
		if (!is_current(k))
			return JWKS_PROCESS_REPLACE;
		if (take_place(k) && (now >= next || serial != seen)) {
			seen = serial;
			if (step(k, now, &next))
				continue;
		}
		jwks_refresh_request_wait(k->shm, serial, LOOK_MS);
	}
	return JWKS_PROCESS_ENDED;
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

enum jwks_process_end
jwks_process_main(struct config *config)
{
	struct jwks_process k = { .jwks_refresh.stop = &told_to_end };
	enum jwks_process_end end = JWKS_PROCESS_FAILED;
	enum log_level level;
	enum err err;

	listen_to_signals();
	(void)prctl(PR_SET_NAME, "latchkey-jwks");
	if (log_level_from(config_text(config, CONFIG_LOG_LEVEL), &level) ==
	    ERR_OK)
		log_set_level(level);
	err = shm_attach(config_state_dir(config),
	    (int)config_int(config, CONFIG_MEMORY_CACHE_MB), &k.shm);
	if (err == ERR_OK)
		err = open_all(&k, config);
	config_free(config);
	if (err == ERR_OK)
		end = keep(&k);
	close_all(&k);
	shm_detach(k.shm);
	return end;
}

/* ---- as a thread ---- */

static void *
thread_main(void *arg)
{
	struct jwks_process *k = arg;

	/* If something was replaced, the worker finds that out as well. */
	(void)keep(k);
	return NULL;
}

enum err
jwks_process_start(const struct config *config, struct shm *m,
    struct jwks_process **jwks_process_out)
{
	struct jwks_process *k = calloc(1, sizeof(*k));
	enum err err;

	*jwks_process_out = NULL;
	if (k == NULL)
		return ERR_INTERNAL;
	k->shm = m;
	k->jwks_refresh.stop = &k->own_stop;
	err = open_all(k, config);
	if (err == ERR_OK &&
	    pthread_create(&k->thread, NULL, thread_main, k) != 0)
		err = ERR_UNAVAILABLE;
	if (err != ERR_OK) {
		close_all(k);
		free(k);
		return err;
	}
	*jwks_process_out = k;
	return ERR_OK;
}

void
jwks_process_stop(struct jwks_process *k)
{
	if (k == NULL)
		return;
	atomic_store(&k->own_stop, true);
	jwks_refresh_request_wake(k->shm);
	(void)pthread_join(k->thread, NULL);
	close_all(k);
	free(k);
}
