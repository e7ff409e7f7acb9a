/* SPDX-License-Identifier: ISC */
#include "pool/wiring.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/clients.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/secret.h"
#include "base/str.h"
#include "cache/cache.h"
#include "cache/redis.h"
#include "config/config.h"
#include "issuers/issuers.h"
#include "issuers/issuers_config.h"
#include "shm/semaphore.h"
#include "shm/shm.h"
#include "store/store.h"
#include "token/master_secret.h"
#include "token/signing_keys.h"

#define DAY ((int64_t)24 * 3600)
#define HASHES_MAX 1024 /* the maximum of LATCHKEY_HASHES */

struct shared {
	struct master_secret master;
	struct clients *clients;
	struct issuers_config *issuers;
	struct shm *shm;
};

/* The failed step has logged its reason; say that it ended the start. */
static void
log_failed(const char *step, enum err err)
{
	log_event(LOG_LEVEL_ERROR, "start_failed", "step=%s err=%s", step,
	    err_name(err));
}

/* ---- shared by both threads ---- */

static enum err
load_master(const struct config *config, struct master_secret *master)
{
	char path[PATH_MAX];
	enum err err;

	err = config_master_path(config, path, sizeof(path));
	if (err == ERR_OK)
		err = master_secret_load(
		    config_text(config, CONFIG_JWT_SECRET), path, master);
	/* Whether it must exist depends on the keys in the store. */
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The configuration was checked, but the file may have changed since. */
static enum err
load_clients(const struct config *config, struct shared *sh)
{
	char why[512], quoted[LOG_QUOTED_SIZE];
	enum err err;

	err = clients_load(config_text(config, CONFIG_CLIENTS_FILE), why,
	    sizeof(why), &sh->clients);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_ERROR, "clients_refused", "reason=%s",
		    log_quote(quoted, why));
	return err;
}

static enum err
load_issuers(const struct config *config, struct shared *sh)
{
	char why[512], quoted[LOG_QUOTED_SIZE];
	enum err err;

	err = issuers_config_load(config_text(config, CONFIG_ISSUERS_FILE), why,
	    sizeof(why), &sh->issuers);
	if (err != ERR_OK)
		log_event(LOG_LEVEL_ERROR, "issuers_refused", "reason=%s",
		    log_quote(quoted, why));
	return err;
}

enum err
shared_open(const struct config *config, struct shared **shared_out)
{
	const char *step = "memory";
	enum err err = ERR_INTERNAL;
	enum log_level level;
	struct shared *sh;

	*shared_out = NULL;
	if (log_level_from(config_text(config, CONFIG_LOG_LEVEL), &level) ==
	    ERR_OK)
		log_set_level(level);
	sh = calloc(1, sizeof(*sh));
	if (sh == NULL)
		goto out;
	step = "secret";
	if ((err = load_master(config, &sh->master)) != ERR_OK)
		goto out;
	step = "clients";
	if ((err = load_clients(config, sh)) != ERR_OK)
		goto out;
	step = "issuers";
	if ((err = load_issuers(config, sh)) != ERR_OK)
		goto out;
	step = "shared_memory";
	err = shm_attach(config_state_dir(config),
	    (int)config_int(config, CONFIG_MEMORY_CACHE_MB), &sh->shm);
	if (err != ERR_OK)
		goto out;
	*shared_out = sh;
	sh = NULL;
out:
	if (err != ERR_OK)
		log_failed(step, err);
	shared_close(sh);
	return err;
}

void
shared_close(struct shared *sh)
{
	if (sh == NULL)
		return;
	shm_detach(sh->shm);
	clients_free(sh->clients);
	issuers_config_free(sh->issuers);
	master_secret_clear(&sh->master);
	free(sh);
}

struct shm *
shared_shm(const struct shared *sh)
{
	return sh->shm;
}

/* ---- opened by each thread ---- */

static enum err
open_store(const struct config *config, struct app *app)
{
	struct store_options options = {
		.write_wait_ms = (int)config_int(config, CONFIG_WRITE_WAIT),
	};
	char master[PATH_MAX];
	enum err err;

	err = config_master_path(config, master, sizeof(master));
	if (err != ERR_OK)
		return err;
	options.companion = master;
	err = store_open(config_text(config, CONFIG_DATABASE_URL), app->shm,
	    &options, &app->store);
	if (err == ERR_OK && config_bool(config, CONFIG_FIRST_ADMIN))
		store_first_admin(app->store);
	return err;
}

static enum err
signing_keys_options(const struct config *config, struct shared *sh,
    const struct app *app, struct signing_keys_options *options_out)
{
	*options_out = (struct signing_keys_options){
		.store = app->store,
		.master = &sh->master,
		.lifetime =
		    60 * config_int(config, CONFIG_ACCESS_TOKEN_MINUTES),
		.publish = config_int(config, CONFIG_KEY_PUBLISH),
		.max_age = DAY * config_int(config, CONFIG_KEY_DAYS),
	};
	return signing_keys_alg_from(
	    config_text(config, CONFIG_JWT_ALGORITHM), &options_out->alg);
}

static enum err
open_keys(const struct config *config, struct shared *sh, struct app *app)
{
	struct signing_keys_options options;
	enum err err;

	err = signing_keys_options(config, sh, app, &options);
	if (err == ERR_OK)
		err = signing_keys_open(&options,
		    shm_time(app->shm, clock_system.wall()), &app->keys);
	return err;
}

enum err
wiring_replace_keys(const struct config *config, struct shared *sh, int64_t now,
    char kid_out[SIGNING_KEY_KID_SIZE])
{
	struct app app = { .shm = sh->shm };
	struct signing_keys_options options;
	enum err err;

	kid_out[0] = '\0';
	err = open_store(config, &app);
	if (err == ERR_OK)
		err = signing_keys_options(config, sh, &app, &options);
	if (err == ERR_OK)
		err = signing_keys_replace(&options, now, kid_out);
	store_close(app.store);
	return err;
}

enum err
wiring_reset_clock(const struct config *config, struct shared *sh, int64_t now,
    struct wiring_clock_reset *reset_out)
{
	struct app app = { .shm = sh->shm };
	char kid[SIGNING_KEY_KID_SIZE];
	struct signing_keys_options options;
	int64_t latest = 0;
	enum err err;

	*reset_out = (struct wiring_clock_reset){ 0 };
	err = open_store(config, &app);
	if (err == ERR_OK)
		err = store_latest_time(app.store, &latest);
	if (err != ERR_OK || latest <= now)
		goto out;
	err = store_clock_reset(app.store, now, &reset_out->sessions);
	if (err != ERR_OK)
		goto out;
	reset_out->behind = latest - now;
	err = signing_keys_options(config, sh, &app, &options);
	if (err == ERR_OK)
		err = signing_keys_replace(&options, now, kid);
out:
	store_close(app.store);
	return err;
}

static enum err
open_issuers(const struct shared *sh, struct app *app)
{
	if (sh->issuers->count == 0)
		return ERR_OK;
	return issuers_new(sh->issuers, app->store, app->shm, &app->issuers);
}

static enum err
open_redis(const struct config *config, struct app *app)
{
	struct redis_options options;
	const char *why;
	enum err err;

	if (!config_bool(config, CONFIG_REDIS_ENABLED))
		return ERR_OK;
	err = redis_parse_url(
	    config_text(config, CONFIG_REDIS_URL), &options, &why);
	if (err != ERR_OK)
		goto out;
	options.deadline_ms = (int)config_int(config, CONFIG_REDIS_DEADLINE);
	err = str_copy(options.prefix, sizeof(options.prefix),
	    config_text(config, CONFIG_REDIS_PREFIX));
	if (err == ERR_OK)
		err = redis_new(&options, app->shm, &clock_system, &app->redis);
out:
	secret_wipe(&options, sizeof(options));
	return err;
}

static enum err
open_cache(
    const struct config *config, const struct shared *sh, struct app *app)
{
	unsigned char seal[SECRET_KEY_BYTES];
	const struct cache_options options = {
		.user_ttl = config_int(config, CONFIG_USER_CACHE_TTL),
		.session_ttl = config_int(config, CONFIG_SESSION_TTL),
		.token_ttl = config_int(config, CONFIG_TOKEN_TTL),
		.clock = app->clock,
	};

	enum err err;

	master_secret_derive(&sh->master, "latchkey cache seal", seal);
	err = cache_new(
	    app->shm, app->store, app->redis, seal, &options, &app->cache);
	secret_wipe(seal, sizeof(seal));
	return err;
}

static void
wire_sessions(const struct config *config, struct app *app)
{
	app->sessions = (struct sessions){
		.cache = app->cache,
		.store = app->store,
		.tokens = {
			.keys = &app->keys,
			.issuer = config_text(config, CONFIG_JWT_ISSUER),
			.audience = config_text(config, CONFIG_JWT_AUDIENCE),
			.lifetime =
			    60 * config_int(config, CONFIG_ACCESS_TOKEN_MINUTES),
			.clock = app->clock,
		},
		.issuers = app->issuers,
		.lifetime = config_int(config, CONFIG_SESSION_TTL),
	};
}

/*
 * One for each processor, as far as half of the memory that a control group
 * allows suffices.
 */
static int
hashes_wanted(const struct config *config)
{
	int64_t each = 1024 * config_int(config, CONFIG_ARGON2_KIB);
	int64_t memory = machine_memory();
	int64_t n = machine_cpus();

	if (memory > 0 && memory / 2 / each < n)
		n = memory / 2 / each;
	return n < 1 ? 1 : n > HASHES_MAX ? HASHES_MAX : (int)n;
}

static enum err
open_semaphore(const struct config *config, struct app *app)
{
	int places = (int)config_int(config, CONFIG_HASHES);

	return semaphore_new(app->shm,
	    places > 0 ? places : hashes_wanted(config), &app->login.semaphore);
}

static void
wire_login(const struct config *config, struct app *app)
{
	app->login.store = app->store;
	app->login.sessions = &app->sessions;
	app->login.params.kib = (int)config_int(config, CONFIG_ARGON2_KIB);
	app->login.params.passes =
	    (int)config_int(config, CONFIG_ARGON2_PASSES);
	app->login.semaphore_wait_ms =
	    (int)config_int(config, CONFIG_HASH_WAIT);
}

static void
wire_rate_limits(
    const struct config *config, const struct shared *sh, struct app *app)
{
	static const enum config_id options[RATE_LIMIT_NAMES] = {
#define RATE_LIMIT(id, name, option, rate, subject, success, also, help)       \
	[RATE_LIMIT_##id] = CONFIG_LIMIT_##id,
#include "model/rate_limits.def"
#undef RATE_LIMIT
	};
	struct rate_limits *rl = &app->rate_limits;
	int64_t seconds;

	rl->shm = app->shm;
	rl->redis = app->redis;
	master_secret_derive(&sh->master, "latchkey rate limits", rl->key);
	for (size_t i = RATE_LIMIT_NONE + 1; i < RATE_LIMIT_NAMES; i++) {
		rl->rules[i].max = config_rate(config, options[i], &seconds);
		rl->rules[i].window_ms = seconds * 1000;
	}
}

enum err
wiring_open(const struct config *config, struct shared *sh,
    enum wiring_thread thread, struct app **app_out)
{
	const char *step = "memory";
	enum err err = ERR_INTERNAL;
	struct app *app;

	*app_out = NULL;
	app = calloc(1, sizeof(*app));
	if (app == NULL)
		goto out;
	app->shm = sh->shm;
	app->clients = sh->clients;
	app->clock = &clock_system;
	app->login_page = config_text(config, CONFIG_LOGIN_PAGE);
	app->always_https = config_bool(config, CONFIG_ALWAYS_HTTPS);
	step = "store";
	if ((err = open_store(config, app)) != ERR_OK)
		goto out;
	step = "keys";
	if ((err = open_keys(config, sh, app)) != ERR_OK)
		goto out;
	step = "issuers";
	if ((err = open_issuers(sh, app)) != ERR_OK)
		goto out;
	step = "redis";
	if ((err = open_redis(config, app)) != ERR_OK)
		goto out;
	step = "cache";
	if ((err = open_cache(config, sh, app)) != ERR_OK)
		goto out;
	wire_sessions(config, app);
	step = "hash_semaphore";
	if (thread == WIRING_BACKGROUND &&
	    (err = open_semaphore(config, app)) != ERR_OK)
		goto out;
	wire_login(config, app);
	wire_rate_limits(config, sh, app);
	*app_out = app;
	app = NULL;
out:
	if (err != ERR_OK)
		log_failed(step, err);
	wiring_close(app);
	return err;
}

void
wiring_close(struct app *app)
{
	if (app == NULL)
		return;
	semaphore_free(app->login.semaphore);
	cache_free(app->cache);
	redis_free(app->redis);
	issuers_free(app->issuers);
	signing_keys_close(&app->keys);
	store_close(app->store);
	secret_wipe(&app->rate_limits, sizeof(app->rate_limits));
	free(app);
}
