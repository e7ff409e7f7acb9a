/* SPDX-License-Identifier: ISC */
#include "config/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "auth/clients.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "cache/redis.h"
#include "config/option.h"
#include "config/sources.h"
#include "http/local_path.h"
#include "issuers/issuers_config.h"
#include "store/store_url.h"
#include "token/master_secret.h"
#include "token/signing_keys.h"

struct config {
	struct option_value values[CONFIG_COUNT];
	char state_dir[PATH_MAX];
};

static bool
starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static enum err
check_database(const struct config *c, const struct option_why *why)
{
	const char *url = config_text(c, CONFIG_DATABASE_URL);
	const char *flaw = store_url_flaw(url);

	if (starts_with(url, "postgresql:") || starts_with(url, "postgres:"))
		flaw = "PostgreSQL is not supported yet, use sqlite:PATH";
	return flaw == NULL ? ERR_OK
			    : option_refuse(why, "DATABASE_URL: %s", flaw);
}

static enum err
check_redis(const struct config *c, const struct option_why *why)
{
	struct redis_options options;
	const char *reason = NULL;
	enum err err;

	if (!config_bool(c, CONFIG_REDIS_ENABLED))
		return ERR_OK;
	err = redis_parse_url(
	    config_text(c, CONFIG_REDIS_URL), &options, &reason);
	secret_wipe(&options, sizeof(options));
	if (err == ERR_OK)
		return ERR_OK;
	return option_refuse(
	    why, "REDIS_URL: %s", reason != NULL ? reason : "is no URL");
}

static enum err
check_tokens(const struct config *c, const struct option_why *why)
{
	const char *secret = config_text(c, CONFIG_JWT_SECRET);
	const char *flaw =
	    secret[0] != '\0' ? master_secret_flaw(secret) : NULL;

	enum signing_keys_alg alg;

	if (signing_keys_alg_from(config_text(c, CONFIG_JWT_ALGORITHM), &alg) !=
	    ERR_OK)
		return option_refuse(
		    why, "JWT_ALGORITHM: must be HS256, RS256 or ES256");
	if (flaw != NULL)
		return option_refuse(why, "JWT_SECRET: %s", flaw);
	return ERR_OK;
}

static enum err
check_clients(const struct config *c, const struct option_why *why)
{
	struct clients *clients;
	char reason[512];
	enum err err;

	err = clients_load(config_text(c, CONFIG_CLIENTS_FILE), reason,
	    sizeof(reason), &clients);
	clients_free(clients);
	return err == ERR_OK
	    ? ERR_OK
	    : option_refuse(why, "LATCHKEY_CLIENTS_FILE: %s", reason);
}

static enum err
check_issuers(const struct config *c, const struct option_why *why)
{
	const char *ours = config_text(c, CONFIG_JWT_ISSUER);
	struct issuers_config *issuers;
	char reason[512];
	bool is_ours;
	enum err err;

	err = issuers_config_load(config_text(c, CONFIG_ISSUERS_FILE), reason,
	    sizeof(reason), &issuers);
	if (err != ERR_OK)
		return option_refuse(why, "LATCHKEY_ISSUERS_FILE: %s", reason);
	is_ours = issuers_config_find(issuers, ours) != NULL;
	issuers_config_free(issuers);
	return is_ours ? option_refuse(why,
			     "LATCHKEY_ISSUERS_FILE: [%s] is this site itself, "
			     "see LATCHKEY_ISSUER",
			     ours)
		       : ERR_OK;
}

static enum err
check_log_level(const struct config *c, const struct option_why *why)
{
	const char *name = config_text(c, CONFIG_LOG_LEVEL);
	enum log_level level;

	if (log_level_from(name, &level) == ERR_OK)
		return ERR_OK;
	return option_refuse(why,
	    "LATCHKEY_LOG_LEVEL: must be error, warn, info or debug, "
	    "not \"%s\"",
	    name);
}

static enum err
check_login_page(const struct config *c, const struct option_why *why)
{
	const char *page = config_text(c, CONFIG_LOGIN_PAGE);

	if (local_path_check(page) && strchr(page, '#') == NULL)
		return ERR_OK;
	return option_refuse(why,
	    "LATCHKEY_LOGIN_PAGE: must be a path of this site, as in "
	    "/login.html, not \"%.64s\"",
	    page);
}

/* Checks beyond an option's type and bounds. */
static enum err
check_all(const struct config *c, const struct option_why *why)
{
	typedef enum err check_fn(
	    const struct config *, const struct option_why *);
	static check_fn *const checks[] = { check_database, check_redis,
		check_tokens, check_clients, check_issuers, check_login_page,
		check_log_level };
	enum err err = ERR_OK;

	for (size_t i = 0; err == ERR_OK && i < NELEMS(checks); i++)
		err = checks[i](c, why);
	return err;
}

static enum err
set_state_dir(struct config *c, const struct option_why *why)
{
	const char *folder = config_text(c, CONFIG_STATE_DIR);
	enum err err;

	err = folder[0] != '\0'
	    ? str_copy(c->state_dir, sizeof(c->state_dir), folder)
	    : store_url_folder(
		  config_text(c, CONFIG_DATABASE_URL), true, c->state_dir);
	return err == ERR_OK
	    ? ERR_OK
	    : option_refuse(why, "LATCHKEY_STATE_DIR: the path is too long");
}

static enum err
load_file(const char *path, struct config *c, const struct option_why *why)
{
	if (path != NULL)
		return sources_file(path, true, c->values, why);
	path = getenv("LATCHKEY_CONFIG");
	/* Scripts often set a variable to empty instead of unsetting it. */
	if (path == NULL || path[0] == '\0')
		return sources_file(
		    SOURCES_DEFAULT_FILE, false, c->values, why);
	return sources_file(path, true, c->values, why);
}

static enum err
load_defaults(struct config *c, const struct option_why *why)
{
	enum err err = ERR_OK;

	for (size_t i = 0; err == ERR_OK && i < CONFIG_COUNT; i++)
		if (c->values[i].source == OPTION_UNSET)
			err = option_set((enum config_id)i,
			    option_table[i].fallback, OPTION_DEFAULT,
			    &c->values[i], why);
	return err;
}

static void
warn_of_old_names(const struct config *c)
{
	for (enum config_id id = 0; id < CONFIG_COUNT; id++)
		if (c->values[id].old_name_seen)
			log_event(LOG_LEVEL_WARN, "option_renamed",
			    "old=%s new=%s", option_old_name(id),
			    option_table[id].name);
}

enum err
config_load(
    const char *path, char *why, size_t why_size, struct config **config_out)
{
	struct option_why reason = { .text = why, .size = why_size };
	struct config *c;
	enum err err;

	*config_out = NULL;
	if (why_size > 0)
		why[0] = '\0';
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return option_refuse(&reason, "out of memory");
	if ((err = sources_environment(c->values, &reason)) != ERR_OK)
		goto out;
	if ((err = load_file(path, c, &reason)) != ERR_OK)
		goto out;
	if ((err = load_defaults(c, &reason)) != ERR_OK)
		goto out;
	if ((err = check_all(c, &reason)) != ERR_OK)
		goto out;
	if ((err = set_state_dir(c, &reason)) != ERR_OK)
		goto out;
	warn_of_old_names(c);
	*config_out = c;
	c = NULL;
out:
	config_free(c);
	return err;
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < CONFIG_COUNT; i++)
		option_clear(&c->values[i]);
	free(c);
}

int64_t
config_int(const struct config *c, enum config_id id)
{
	return c->values[id].number;
}

int
config_rate(const struct config *c, enum config_id id, int64_t *seconds_out)
{
	*seconds_out = c->values[id].seconds;
	return (int)c->values[id].number;
}

bool
config_bool(const struct config *c, enum config_id id)
{
	return c->values[id].number != 0;
}

const char *
config_text(const struct config *c, enum config_id id)
{
	return c->values[id].text;
}

const char *
config_state_dir(const struct config *c)
{
	return c->state_dir;
}

enum err
config_master_path(const struct config *c, char *dst, size_t size)
{
	const char *folder = config_text(c, CONFIG_STATE_DIR);
	char beside[PATH_MAX];
	int n;

	if (folder[0] == '\0') {
		if (store_url_folder(config_text(c, CONFIG_DATABASE_URL), false,
			beside) != ERR_OK)
			return ERR_INVALID;
		folder = beside;
	}
	n = snprintf(dst, size, "%s/master.key", folder);
	return n >= 0 && (size_t)n < size ? ERR_OK : ERR_INVALID;
}

void
config_print(const struct config *c, FILE *out)
{
	static const char *const sources[] = {
		[OPTION_UNSET] = "not set",
		[OPTION_ENVIRONMENT] = "from the environment",
		[OPTION_CREDENTIAL] = "from a credential of systemd",
		[OPTION_FILE] = "from the file",
		[OPTION_DEFAULT] = "by default",
	};

	enum option_source last = OPTION_UNSET;

	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		const struct option_value *v = &c->values[i];

		/* On a line of its own, so that the output can be read back. */
		if (v->source != last)
			fprintf(out, "# %s\n", sources[v->source]);
		last = v->source;
		fprintf(out, "%s = %s\n", option_table[i].name,
		    option_hides(&option_table[i], v->text) ? OPTION_HIDDEN
							    : v->text);
	}
}

void
config_help(FILE *out)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		const struct option *o = &option_table[i];

		fprintf(out, "%s = %s\n    %s", o->name, o->fallback, o->help);
		if (o->type == OPTION_INT)
			fprintf(out, " (%jd to %jd)", (intmax_t)o->min,
			    (intmax_t)o->max);
		else if (o->type == OPTION_RATE)
			fprintf(out, " (N/SECONDS, N %jd to %jd)",
			    (intmax_t)o->min, (intmax_t)o->max);
		fputc('\n', out);
	}
}
