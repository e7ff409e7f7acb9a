/* SPDX-License-Identifier: ISC */
#include "pool/services.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/clients.h"
#include "auth/issuers.h"
#include "auth/issuers_file.h"
#include "auth/keys.h"
#include "auth/master.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "cache/cache.h"
#include "cache/redis.h"
#include "config/config.h"
#include "host/gate.h"
#include "host/mapped.h"
#include "store/store.h"

#define DAY ((int64_t)24 * 3600)
#define HASHES_MAX 1024 /* as LATCHKEY_HASHES has it */

struct shared {
	struct master master;
	struct clients *clients;
	struct issuers_config *issuers;
	struct mapped *mapped;
};

/* Whoever failed has said why; this says that it ends the start. */
static void
log_failed(const char *step, enum err err)
{
	log_event(LOG_LEVEL_ERROR, "start_failed", "step=%s err=%s", step,
	    err_name(err));
}

/* ---- what both lanes share ---- */

static enum err
load_master(const struct config *config, struct master *master)
{
	char path[PATH_MAX];
	enum err err;

	err = config_master_path(config, path, sizeof(path));
	if (err == ERR_OK)
		err = master_load(
		    config_text(config, CONFIG_JWT_SECRET), path, master);
	/* Whether there ought to be one, the store will tell. */
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The configuration was checked; the file may have changed since. */
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

	err = issuers_file_load(config_text(config, CONFIG_ISSUERS_FILE), why,
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
	step = "table";
	err = mapped_open(config_database(config),
	    (int)config_int(config, CONFIG_TABLE_MB), &sh->mapped);
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
	mapped_close(sh->mapped);
	clients_free(sh->clients);
	issuers_file_free(sh->issuers);
	master_clear(&sh->master);
	free(sh);
}

struct mapped *
shared_mapped(const struct shared *sh)
{
	return sh->mapped;
}

/* ---- what each lane has of its own ---- */

static enum err
open_store(const struct config *config, struct services *sv)
{
	const struct store_options options = {
		.write_wait_ms = (int)config_int(config, CONFIG_WRITE_WAIT),
	};
	int64_t latest;
	enum err err;

	err = store_open_sqlite(
	    config_database(config), sv->mapped, &options, &sv->store);
	if (err != ERR_OK)
		return err;
	if (config_bool(config, CONFIG_FIRST_ADMIN))
		store_first_admin(sv->store);
	/* The mapped file may be new; what the store has seen is not lost. */
	err = store_latest_time(sv->store, &latest);
	if (err == ERR_OK)
		(void)mapped_time(sv->mapped, latest);
	return err;
}

static enum err
keys_options(const struct config *config, struct shared *sh,
    const struct services *sv, struct keys_options *options_out)
{
	*options_out = (struct keys_options){
		.store = sv->store,
		.mapped = sv->mapped,
		.master = &sh->master,
		.lifetime =
		    60 * config_int(config, CONFIG_ACCESS_TOKEN_MINUTES),
		.publish = config_int(config, CONFIG_KEY_PUBLISH),
		.max_age = DAY * config_int(config, CONFIG_KEY_DAYS),
	};
	return keys_alg_from(
	    config_text(config, CONFIG_JWT_ALGORITHM), &options_out->alg);
}

static enum err
open_keys(const struct config *config, struct shared *sh, struct services *sv)
{
	struct keys_options options;
	enum err err;

	err = keys_options(config, sh, sv, &options);
	if (err == ERR_OK)
		err = keys_open(&options,
		    mapped_time(sv->mapped, clock_system.wall()), &sv->keys);
	return err;
}

enum err
services_replace_keys(const struct config *config, struct shared *sh,
    int64_t now, char kid_out[SIGNING_KEY_KID_SIZE])
{
	struct services sv = { .mapped = sh->mapped };
	struct keys_options options;
	enum err err;

	kid_out[0] = '\0';
	err = open_store(config, &sv);
	if (err == ERR_OK)
		err = keys_options(config, sh, &sv, &options);
	if (err == ERR_OK)
		err = keys_replace(&options, now, kid_out);
	store_close(sv.store);
	return err;
}

static enum err
open_issuers(const struct shared *sh, struct services *sv)
{
	if (sh->issuers->count == 0)
		return ERR_OK;
	return issuers_new(sh->issuers, sv->store, sv->mapped, &sv->issuers);
}

static enum err
open_redis(const struct config *config, struct services *sv)
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
	err = text_copy(options.prefix, sizeof(options.prefix),
	    config_text(config, CONFIG_REDIS_PREFIX));
	if (err == ERR_OK)
		err =
		    redis_new(&options, sv->mapped, &clock_system, &sv->redis);
out:
	secret_wipe(&options, sizeof(options));
	return err;
}

static enum err
open_cache(
    const struct config *config, const struct shared *sh, struct services *sv)
{
	unsigned char seal[SECRET_KEY_BYTES];
	const struct cache_options options = {
		.user_ttl = config_int(config, CONFIG_USER_CACHE_TTL),
		.session_ttl = config_int(config, CONFIG_SESSION_TTL),
		.token_ttl = config_int(config, CONFIG_TOKEN_TTL),
		.clock = sv->clock,
	};

	enum err err;

	master_derive(&sh->master, "latchkey cache seal", seal);
	err = cache_new(
	    sv->mapped, sv->store, sv->redis, seal, &options, &sv->cache);
	secret_wipe(seal, sizeof(seal));
	return err;
}

static void
wire_sessions(const struct config *config, struct services *sv)
{
	sv->sessions = (struct sessions){
		.cache = sv->cache,
		.store = sv->store,
		.tokens = {
			.keys = &sv->keys,
			.issuers = sv->issuers,
			.issuer = config_text(config, CONFIG_JWT_ISSUER),
			.audience = config_text(config, CONFIG_JWT_AUDIENCE),
			.lifetime =
			    60 * config_int(config, CONFIG_ACCESS_TOKEN_MINUTES),
		},
		.lifetime = config_int(config, CONFIG_SESSION_TTL),
	};
}

/* The cores this process may use, not those of the machine. */
static int
cores(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > HASHES_MAX ? HASHES_MAX : n;
}

static enum err
open_gate(const struct config *config, struct services *sv)
{
	int places = (int)config_int(config, CONFIG_HASHES);

	return gate_new(
	    sv->mapped, places > 0 ? places : cores(), &sv->login.gate);
}

static void
wire_login(const struct config *config, struct services *sv)
{
	sv->login.store = sv->store;
	sv->login.sessions = &sv->sessions;
	sv->login.params.kib = (int)config_int(config, CONFIG_ARGON2_KIB);
	sv->login.params.passes = (int)config_int(config, CONFIG_ARGON2_PASSES);
	sv->login.gate_wait_ms = (int)config_int(config, CONFIG_HASH_WAIT);
}

static void
wire_ratelimit(
    const struct config *config, const struct shared *sh, struct services *sv)
{
	static const enum config_id options[RATELIMIT_NAMES] = {
		[RATELIMIT_LOGIN] = CONFIG_LIMIT_LOGIN,
		[RATELIMIT_REGISTER] = CONFIG_LIMIT_REGISTER,
		[RATELIMIT_DEFAULT] = CONFIG_LIMIT_DEFAULT,
	};
	struct ratelimit *rl = &sv->ratelimit;
	int64_t seconds;

	rl->mapped = sv->mapped;
	rl->redis = sv->redis;
	master_derive(&sh->master, "latchkey rate limits", rl->key);
	for (size_t i = 0; i < RATELIMIT_NAMES; i++) {
		rl->rules[i].max = config_rate(config, options[i], &seconds);
		rl->rules[i].window_ms = seconds * 1000;
	}
}

enum err
services_open(const struct config *config, struct shared *sh,
    enum services_lane lane, struct services **services_out)
{
	const char *step = "memory";
	enum err err = ERR_INTERNAL;
	struct services *sv;

	*services_out = NULL;
	sv = calloc(1, sizeof(*sv));
	if (sv == NULL)
		goto out;
	sv->mapped = sh->mapped;
	sv->clients = sh->clients;
	sv->clock = &clock_system;
	sv->login_page = config_text(config, CONFIG_LOGIN_PAGE);
	sv->always_https = config_bool(config, CONFIG_ALWAYS_HTTPS);
	step = "store";
	if ((err = open_store(config, sv)) != ERR_OK)
		goto out;
	step = "keys";
	if ((err = open_keys(config, sh, sv)) != ERR_OK)
		goto out;
	step = "issuers";
	if ((err = open_issuers(sh, sv)) != ERR_OK)
		goto out;
	step = "redis";
	if ((err = open_redis(config, sv)) != ERR_OK)
		goto out;
	step = "cache";
	if ((err = open_cache(config, sh, sv)) != ERR_OK)
		goto out;
	wire_sessions(config, sv);
	step = "gate";
	if (lane == SERVICES_SLOW && (err = open_gate(config, sv)) != ERR_OK)
		goto out;
	wire_login(config, sv);
	wire_ratelimit(config, sh, sv);
	*services_out = sv;
	sv = NULL;
out:
	if (err != ERR_OK)
		log_failed(step, err);
	services_close(sv);
	return err;
}

void
services_close(struct services *sv)
{
	if (sv == NULL)
		return;
	gate_free(sv->login.gate);
	cache_free(sv->cache);
	redis_free(sv->redis);
	issuers_free(sv->issuers);
	keys_close(&sv->keys);
	store_close(sv->store);
	secret_wipe(&sv->ratelimit, sizeof(sv->ratelimit));
	free(sv);
}
