/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/net.h"
#include "base/secret.h"
#include "cache/redis.h"
#include "cache/redis_conn.h"
#include "config/config.h"

#define DEADLINE_MS 2000 /* a check may wait longer than a request */
#define OLDEST_MAJOR 5   /* still maintained by some distribution */
#define VALUE_SIZE 64

/* Copy the value of the line ${name} of INFO; "" without one. */
static void
info_value(const struct buf *info, const char *name, char dst[VALUE_SIZE])
{
	const char *at = info->data;
	size_t len = strlen(name), n;

	dst[0] = '\0';
	while (at != NULL && *at != '\0') {
		if (strncmp(at, name, len) == 0 && at[len] == ':') {
			at += len + 1;
			n = strcspn(at, "\r\n");
			if (n >= VALUE_SIZE)
				n = VALUE_SIZE - 1;
			memcpy(dst, at, n);
			dst[n] = '\0';
			return;
		}
		at = strchr(at, '\n');
		at = at != NULL ? at + 1 : NULL;
	}
}

static enum err
run_command(struct redis_conn *l, int argc, const char **argv,
    struct buf *values, size_t n)
{
	struct redis_batch batch = { .expect = n == 1 ? REDIS_EXPECT_VALUE
						      : REDIS_EXPECT_VALUES,
		.values = values,
		.n_values = n };
	size_t lens[4];
	enum err err;

	for (int i = 0; i < argc; i++)
		lens[i] = strlen(argv[i]);
	redis_batch_put(&batch, argc, argv, lens);
	err = redis_conn_run(l, &batch);
	redis_batch_clear(&batch);
	return err;
}

static void
check_version(struct doctor *d, const struct buf *info)
{
	char version[VALUE_SIZE];

	info_value(info, "redis_version", version);
	if (strtol(version, NULL, 10) < OLDEST_MAJOR)
		doctor_report(d, DOCTOR_WARN, "redis",
		    "install a newer version", "version %s is old", version);
	else
		doctor_report(d, DOCTOR_OK, "redis", NULL,
		    "answers, version %s", version);
}

/* A cache without eviction refuses writes when it is full. */
static void
check_eviction(struct doctor *d, const struct buf *info)
{
	char policy[VALUE_SIZE], most[VALUE_SIZE];

	info_value(info, "maxmemory_policy", policy);
	info_value(info, "maxmemory", most);
	if (strcmp(most, "0") == 0)
		doctor_report(d, DOCTOR_WARN, "redis",
		    "set maxmemory (128mb) and maxmemory-policy allkeys-lru",
		    "its memory is not limited");
	else if (strcmp(policy, "noeviction") == 0)
		doctor_report(d, DOCTOR_FAIL, "redis",
		    "set maxmemory-policy allkeys-lru",
		    "it refuses writes when it is full");
	else if (strncmp(policy, "volatile-", 9) == 0 ||
	    strncmp(policy, "allkeys-", 8) == 0)
		doctor_report(
		    d, DOCTOR_OK, "redis", NULL, "evicts (%s)", policy);
}

static void
check_persistence(
    struct doctor *d, struct redis_conn *l, const struct buf *info)
{
	const char *argv[] = { "CONFIG", "GET", "stop-writes-on-bgsave-error" };
	struct buf pair[2] = { { 0 }, { 0 } };
	char status[VALUE_SIZE], log[VALUE_SIZE];
	bool stops;

	info_value(info, "rdb_last_bgsave_status", status);
	info_value(info, "aof_enabled", log);
	/* Without the permission for CONFIG this check is skipped. */
	stops = run_command(l, 3, argv, pair, 2) == ERR_OK &&
	    pair[1].data != NULL && strcmp(pair[1].data, "yes") == 0;
	if (stops && strcmp(status, "ok") != 0)
		doctor_report(d, DOCTOR_FAIL, "redis",
		    "set stop-writes-on-bgsave-error no, and find out why its "
		    "snapshot fails",
		    "it refuses writes, because its last snapshot failed");
	else if (stops)
		doctor_report(d, DOCTOR_WARN, "redis",
		    "set stop-writes-on-bgsave-error no: Redis holds only "
		    "copies",
		    "a failed snapshot would stop its writes");
	else if (strcmp(log, "1") == 0)
		doctor_report(d, DOCTOR_WARN, "redis",
		    "set appendonly no: Redis holds only copies",
		    "it writes every change to disk");
	else
		doctor_report(d, DOCTOR_OK, "redis", NULL,
		    "its persistence does not block writes");
	buf_clear(&pair[0]);
	buf_clear(&pair[1]);
}

static bool
is_near(const struct redis_options *o)
{
	return o->socket[0] != '\0' ||
	    net_is_loopback_host(o->host, strlen(o->host));
}

static void
check_server(struct doctor *d, const struct redis_options *options)
{
	struct redis_conn *l = NULL;
	const char *argv[] = { "INFO" };
	struct buf info = { 0 };

	if (redis_conn_new(options, &clock_system, &l) != ERR_OK ||
	    run_command(l, 1, argv, &info, 1) != ERR_OK) {
		doctor_report(d, DOCTOR_FAIL, "redis",
		    "start it, correct REDIS_URL, or set REDIS_ENABLED=false; "
		    "every answer is the same without Redis",
		    "does not answer: %s",
		    l != NULL ? redis_conn_why(l) : "no such server");
		goto out;
	}
	check_version(d, &info);
	check_eviction(d, &info);
	check_persistence(d, l, &info);
	if (!is_near(options) && options->password[0] == '\0')
		doctor_report(d, DOCTOR_WARN, "redis",
		    "set a password, or let it listen on a unix socket",
		    "every host that reaches %s has full access",
		    options->host);
out:
	buf_clear(&info);
	redis_conn_free(l);
}

void
doctor_redis(struct doctor *d)
{
	const struct config *config = d->context.config;
	struct redis_options options;
	const char *why;

	if (!config_bool(config, CONFIG_REDIS_ENABLED)) {
		doctor_report(d, DOCTOR_OK, "redis", NULL, "is disabled");
		return;
	}
	/* config_load() has checked the URL. */
	if (redis_parse_url(config_text(config, CONFIG_REDIS_URL), &options,
		&why) == ERR_OK) {
		options.deadline_ms = DEADLINE_MS;
		check_server(d, &options);
	}
	secret_wipe(&options, sizeof(options));
}
