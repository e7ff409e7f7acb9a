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

#define POLL_MS 1000
/* No request blocked for these writes, so others go first. */
#define WRITE_WAIT_MS 5000
#define RETRY_US (10 * INT64_C(1000000))

struct jwks_process {
	struct shm *shm;
	char *database_url;
	struct issuers_config *issuers;
	struct semaphore *semaphore;
	struct jwks_refresh jwks_refresh; /* store is NULL: not the refresher */
	struct http_client *http_client;
	int64_t retry_at; /* monotonic; 0: at once */
	bool blocked;     /* by the store, and that was logged */
	atomic_bool stop;
	pthread_t thread;
};

static atomic_bool stop_requested;

static void
on_signal(int number)
{
	(void)number;
	atomic_store(&stop_requested, true);
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
open_all(struct jwks_process *p, const struct config *config)
{
	enum err err = load_issuers(config, &p->issuers);

	p->database_url = strdup(config_text(config, CONFIG_DATABASE_URL));
	if (err == ERR_OK && p->database_url == NULL)
		err = ERR_INTERNAL;
	if (err == ERR_OK)
		err = semaphore_new_jwks_refresh(p->shm, &p->semaphore);
	p->jwks_refresh.shm = p->shm;
	p->jwks_refresh.issuers = p->issuers;
	p->jwks_refresh.interval = config_int(config, CONFIG_JWKS_INTERVAL);
	random_fill(p->jwks_refresh.seed, sizeof(p->jwks_refresh.seed));
	return err;
}

static void
close_all(struct jwks_process *p)
{
	store_close(p->jwks_refresh.store);
	free(p->database_url);
	http_libcurl_free(p->http_client);
	semaphore_free(p->semaphore);
	issuers_config_free(p->issuers);
}

/* ---- the work ---- */

/* A missing database is not created here: it would be a different one. */
static enum err
open_store(struct jwks_process *p)
{
	static const struct store_options options = {
		.write_wait_ms = WRITE_WAIT_MS, .existing = true
	};

	return store_open(
	    p->database_url, p->shm, &options, &p->jwks_refresh.store);
}

/*
 * Try to become the one refresher of the host; true if this process or thread
 * is it.  Only the refresher loads libcurl and opens the store.
 */
static bool
become_refresher(struct jwks_process *p)
{
	enum err err;

	if (p->jwks_refresh.store != NULL)
		return true;
	if (clock_system.mono_us() < p->retry_at)
		return false;
	if (semaphore_acquire(p->semaphore, 0) != ERR_OK) {
		TESTPOINT("jwks_process:waits");
		return false;
	}
	err =
	    p->http_client != NULL ? ERR_OK : http_libcurl_new(&p->http_client);
	p->jwks_refresh.http_client = p->http_client;
	if (err == ERR_OK)
		err = open_store(p);
	if (err == ERR_OK) {
		log_event(LOG_LEVEL_INFO, "jwks_refresher_ready", "issuers=%zu",
		    p->issuers->count);
		return true;
	}
	log_event(LOG_LEVEL_ERROR, "jwks_refresh_unavailable", "reason=%s",
	    err_name(err));
	semaphore_release(p->semaphore);
	p->retry_at = clock_system.mono_us() + RETRY_US;
	return false;
}

/* The same check as a worker's, once a second. */
static bool
is_current(const struct jwks_process *p)
{
	enum err err = ERR_OK;

	if (p->jwks_refresh.store != NULL)
		err = store_ping(p->jwks_refresh.store);
	return (err == ERR_OK || err == ERR_UNAVAILABLE) &&
	    shm_trusted(p->shm) && shm_is_current(p->shm);
}

/* Refresh one key set; true if another one is due at once. */
static bool
step(struct jwks_process *p, int64_t now, int64_t *next)
{
	enum err err = jwks_refresh_step(&p->jwks_refresh, now, next);

	if (err != ERR_OK && !p->blocked)
		log_event(LOG_LEVEL_WARN, "jwks_refresh_blocked_by_store",
		    "reason=%s", err_name(err));
	p->blocked = err != ERR_OK;
	return *next <= now;
}

static enum jwks_process_end
run(struct jwks_process *p)
{
	uint32_t serial, seen = 0;
	int64_t now, next = 0;
	bool refresher;

	while (!atomic_load(p->jwks_refresh.stop)) {
		serial = jwks_refresh_request_serial(p->shm);
		if (!is_current(p))
			return JWKS_PROCESS_REPLACE;
		refresher = become_refresher(p); /* may know a later time */
		now = shm_time(p->shm, clock_system.wall());
		if (refresher && (now >= next || serial != seen)) {
			seen = serial;
			if (step(p, now, &next))
				continue;
		}
		jwks_refresh_request_wait(p->shm, serial, POLL_MS);
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
	(void)signal(SIGHUP, SIG_IGN); /* the supervisor reloads */
}

enum jwks_process_end
jwks_process_main(struct config *config)
{
	struct jwks_process p = { .jwks_refresh.stop = &stop_requested };
	enum jwks_process_end end = JWKS_PROCESS_FAILED;
	enum log_level level;
	enum err err;

	listen_to_signals();
	(void)prctl(PR_SET_NAME, "latchkey-jwks");
	if (log_level_from(config_text(config, CONFIG_LOG_LEVEL), &level) ==
	    ERR_OK)
		log_set_level(level);
	err = shm_attach(config_state_dir(config),
	    (int)config_int(config, CONFIG_MEMORY_CACHE_MB), &p.shm);
	if (err == ERR_OK)
		err = open_all(&p, config);
	config_free(config);
	if (err == ERR_OK)
		end = run(&p);
	close_all(&p);
	shm_detach(p.shm);
	return end;
}

/* ---- as a thread ---- */

static void *
thread_main(void *arg)
{
	struct jwks_process *p = arg;

	/* Replaced files need no answer here: the worker notices them too. */
	(void)run(p);
	return NULL;
}

enum err
jwks_process_start(const struct config *config, struct shm *shm,
    struct jwks_process **jwks_process_out)
{
	struct jwks_process *p = calloc(1, sizeof(*p));
	enum err err;

	*jwks_process_out = NULL;
	if (p == NULL)
		return ERR_INTERNAL;
	p->shm = shm;
	p->jwks_refresh.stop = &p->stop;
	err = open_all(p, config);
	if (err == ERR_OK &&
	    pthread_create(&p->thread, NULL, thread_main, p) != 0)
		err = ERR_UNAVAILABLE;
	if (err != ERR_OK) {
		close_all(p);
		free(p);
		return err;
	}
	*jwks_process_out = p;
	return ERR_OK;
}

void
jwks_process_stop(struct jwks_process *p)
{
	if (p == NULL)
		return;
	atomic_store(&p->stop, true);
	jwks_refresh_request_wake(p->shm);
	(void)pthread_join(p->thread, NULL);
	close_all(p);
	free(p);
}
