/* SPDX-License-Identifier: ISC */
#include "cache/redis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/secret.h"
#include "cache/redis_conn.h"
#include "shm/circuit_breaker.h"
#include "shm/counters.h"

#define TTL_SIZE 24 /* a number of 64 bits */

_Static_assert(
    REDIS_KEYS_MAX <= REDIS_ARRAY_MAX, "MGET of the most keys can be answered");

/*
 * SET XX of a key that never exists changes nothing, but fails whenever a real
 * SET would.  PING would close the circuit breaker again and again for a server
 * that is read-only or full.
 */
static const char probe_key[] = "session:probe";

struct redis {
	struct redis_options options;
	struct shm *m;
	const struct clock *clock;
	struct redis_conn *conn;
};

/* ---- the circuit breaker ---- */

static enum err
run(struct redis *r, struct redis_batch *batch)
{
	char quoted[LOG_QUOTED_SIZE];
	int64_t start;
	enum err err;

	if (!redis_conn_has_address(r->conn) || !circuit_breaker_closed(r->m))
		return ERR_UNAVAILABLE;
	start = r->clock->mono_us();
	err = redis_conn_run(r->conn, batch);
	counters_time(r->m, COUNTERS_TIMER_REDIS, r->clock->mono_us() - start);
	/* Log once per outage: another process may have opened it first. */
	if (err == ERR_UNAVAILABLE && circuit_breaker_closed(r->m)) {
		circuit_breaker_trip(r->m, r->clock->mono_us());
		log_event(LOG_LEVEL_WARN, "redis_down", "reason=%s",
		    log_quote(quoted, redis_conn_why(r->conn)));
	}
	return err;
}

static enum err
full_key(const struct redis *r, const char *key, char dst[REDIS_KEY_SIZE])
{
	int len = snprintf(dst, REDIS_KEY_SIZE, "%s%s", r->options.prefix, key);

	return len > 0 && len < REDIS_KEY_SIZE ? ERR_OK : ERR_INVALID;
}

/* ---- commands ---- */

/* Add the command ${name} with ${n} keys. */
static enum err
put_keys(const struct redis *r, struct redis_batch *batch, const char *name,
    const char *const *keys, size_t n)
{
	const char *argv[1 + REDIS_KEYS_MAX] = { name };
	size_t lens[1 + REDIS_KEYS_MAX] = { strlen(name) };
	char(*full)[REDIS_KEY_SIZE];
	enum err err = ERR_INVALID;

	if (n == 0 || n > REDIS_KEYS_MAX)
		return ERR_INVALID;
	full = calloc(n, sizeof(*full));
	if (full == NULL)
		return ERR_INTERNAL;
	for (size_t i = 0; i < n; i++) {
		err = full_key(r, keys[i], full[i]);
		if (err != ERR_OK)
			goto out;
		argv[1 + i] = full[i];
		lens[1 + i] = strlen(full[i]);
	}
	redis_batch_put(batch, (int)(1 + n), argv, lens);
out:
	free(full);
	return err;
}

static enum err
put_set(const struct redis *r, struct redis_batch *batch,
    const struct redis_item *item)
{
	char full[REDIS_KEY_SIZE];
	char ttl[TTL_SIZE];

	if (item->ttl_s < 1 || full_key(r, item->key, full) != ERR_OK)
		return ERR_INVALID;
	(void)snprintf(ttl, sizeof(ttl), "%lld", (long long)item->ttl_s);
	redis_batch_put(batch, 5,
	    (const char *[]){ "SET", full, item->value, "EX", ttl },
	    (size_t[]){ 3, strlen(full), item->len, 2, strlen(ttl) });
	return ERR_OK;
}

enum err
redis_get(struct redis *r, const char *key, struct buf *value)
{
	struct redis_batch batch = {
		.expect = REDIS_EXPECT_VALUE, .values = value, .n_values = 1
	};
	enum err err;

	err = put_keys(r, &batch, "GET", &key, 1);
	if (err == ERR_OK)
		err = run(r, &batch);
	if (err == ERR_OK && batch.found == 0)
		err = ERR_NOT_FOUND;
	redis_batch_clear(&batch);
	return err;
}

enum err
redis_mget(
    struct redis *r, const char *const *keys, size_t n, struct buf *values)
{
	struct redis_batch batch = {
		.expect = REDIS_EXPECT_VALUES, .values = values, .n_values = n
	};
	enum err err;

	err = put_keys(r, &batch, "MGET", keys, n);
	if (err == ERR_OK)
		err = run(r, &batch);
	redis_batch_clear(&batch);
	return err;
}

enum err
redis_set_many(struct redis *r, const struct redis_item *items, size_t n)
{
	struct redis_batch batch = { .expect = REDIS_EXPECT_STATUS };
	enum err err = n > 0 && n <= REDIS_KEYS_MAX ? ERR_OK : ERR_INVALID;

	for (size_t i = 0; err == ERR_OK && i < n; i++)
		err = put_set(r, &batch, &items[i]);
	if (err == ERR_OK)
		err = run(r, &batch);
	redis_batch_clear(&batch);
	return err;
}

enum err
redis_set(struct redis *r, const char *key, const void *value, size_t len,
    int64_t ttl_s)
{
	struct redis_item item = {
		.key = key, .value = value, .len = len, .ttl_s = ttl_s
	};

	return redis_set_many(r, &item, 1);
}

enum err
redis_del(struct redis *r, const char *const *keys, size_t n)
{
	struct redis_batch batch = { .expect = REDIS_EXPECT_INTEGER };
	enum err err;

	err = put_keys(r, &batch, "DEL", keys, n);
	if (err == ERR_OK)
		err = run(r, &batch);
	redis_batch_clear(&batch);
	return err;
}

/* Put one command: ${name}, the script as ${script}, its keys and arguments. */
static enum err
put_eval(const struct redis *r, struct redis_batch *batch, const char *name,
    const char *script, const struct redis_eval *eval)
{
	const char *argv[3 + REDIS_KEYS_MAX + REDIS_ARGS_MAX];
	size_t lens[3 + REDIS_KEYS_MAX + REDIS_ARGS_MAX];
	char(*full)[REDIS_KEY_SIZE];
	char n_keys[TTL_SIZE];
	enum err err = ERR_OK;
	size_t argc = 0;

	if (eval->n_keys == 0 || eval->n_keys > REDIS_KEYS_MAX ||
	    eval->n_args > REDIS_ARGS_MAX)
		return ERR_INVALID;
	full = calloc(eval->n_keys, sizeof(*full));
	if (full == NULL)
		return ERR_INTERNAL;
	(void)snprintf(n_keys, sizeof(n_keys), "%zu", eval->n_keys);
	argv[argc++] = name;
	argv[argc++] = script;
	argv[argc++] = n_keys;
	for (size_t i = 0; err == ERR_OK && i < eval->n_keys; i++) {
		err = full_key(r, eval->keys[i], full[i]);
		argv[argc++] = full[i];
	}
	for (size_t i = 0; i < eval->n_args; i++)
		argv[argc++] = eval->args[i];
	for (size_t i = 0; i < argc; i++)
		lens[i] = strlen(argv[i]);
	if (err == ERR_OK)
		redis_batch_put(batch, (int)argc, argv, lens);
	free(full);
	return err;
}

static enum err
run_eval(struct redis *r, const char *name, const char *script,
    const struct redis_eval *eval, struct buf *value)
{
	struct redis_batch batch = {
		.expect = REDIS_EXPECT_VALUE, .values = value, .n_values = 1
	};
	enum err err;

	err = put_eval(r, &batch, name, script, eval);
	if (err == ERR_OK)
		err = run(r, &batch);
	redis_batch_clear(&batch);
	return err;
}

enum err
redis_eval(struct redis *r, const struct redis_eval *eval, struct buf *value)
{
	enum err err;

	err = run_eval(r, "EVALSHA", eval->script->sha1, eval, value);
	if (err == ERR_NOT_FOUND)
		err = run_eval(r, "EVAL", eval->script->text, eval, value);
	return err;
}

enum err
redis_ping(struct redis *r, int64_t *latency_us_out)
{
	struct redis_batch batch = { .expect = REDIS_EXPECT_STATUS };
	int64_t start = r->clock->mono_us();
	enum err err;

	*latency_us_out = 0;
	redis_batch_put(&batch, 1, (const char *[]){ "PING" }, (size_t[]){ 4 });
	err = run(r, &batch);
	if (err == ERR_OK)
		*latency_us_out = r->clock->mono_us() - start;
	redis_batch_clear(&batch);
	return err;
}

/* Parse the number after the first ${name} in the reply to INFO. */
static enum err
info_number(const struct buf *info, const char *name, int64_t *value_out)
{
	const char *at = info->data != NULL ? strstr(info->data, name) : NULL;
	char *end;

	if (at == NULL)
		return ERR_NOT_FOUND;
	at += strlen(name);
	errno = 0;
	*value_out = strtoll(at, &end, 10);
	return errno == 0 && end > at && *value_out >= 0 ? ERR_OK : ERR_INVALID;
}

/* INFO has no line for an empty database. */
static enum err
read_info(const struct redis *r, const struct buf *info, int64_t *entries_out,
    int64_t *bytes_out)
{
	char name[32];
	enum err err;

	(void)snprintf(name, sizeof(name), "\r\ndb%d:keys=", r->options.db);
	err = info_number(info, name, entries_out);
	if (err == ERR_NOT_FOUND) {
		*entries_out = 0;
		err = ERR_OK;
	}
	if (err == ERR_OK)
		err = info_number(info, "\r\nused_memory:", bytes_out);
	return err;
}

enum err
redis_size(struct redis *r, int64_t *entries_out, int64_t *bytes_out)
{
	struct buf info = { 0 };
	struct redis_batch batch = {
		.expect = REDIS_EXPECT_VALUE, .values = &info, .n_values = 1
	};
	enum err err = ERR_UNAVAILABLE;

	*entries_out = *bytes_out = 0;
	redis_batch_put(&batch, 1, (const char *[]){ "INFO" }, (size_t[]){ 4 });
	/* Not run(): if the server forbids INFO, that is not an outage. */
	if (redis_conn_has_address(r->conn) && circuit_breaker_closed(r->m))
		err = redis_conn_run(r->conn, &batch);
	if (err == ERR_OK)
		err = read_info(r, &info, entries_out, bytes_out);
	redis_batch_clear(&batch);
	buf_clear(&info);
	return err;
}

void
redis_probe(struct redis *r)
{
	struct redis_batch batch = { .expect = REDIS_EXPECT_STATUS };
	char full[REDIS_KEY_SIZE];

	if (!redis_conn_has_address(r->conn) ||
	    full_key(r, probe_key, full) != ERR_OK ||
	    !circuit_breaker_claim_probe(r->m, r->clock->mono_us()))
		return;
	redis_conn_close(r->conn);
	redis_batch_put(&batch, 6,
	    (const char *[]){ "SET", full, "", "XX", "EX", "1" },
	    (size_t[]){ 3, strlen(full), 0, 2, 2, 1 });
	if (redis_conn_run(r->conn, &batch) == ERR_OK) {
		circuit_breaker_reset(r->m);
		log_event(LOG_LEVEL_INFO, "redis_up", "probe=ok");
	} else {
		circuit_breaker_trip(r->m, r->clock->mono_us());
	}
	redis_batch_clear(&batch);
}

const char *
redis_prefix(const struct redis *r)
{
	return r->options.prefix;
}

enum err
redis_new(const struct redis_options *options, struct shm *m,
    const struct clock *clock, struct redis **redis_out)
{
	struct redis *r;
	enum err err;

	*redis_out = NULL;
	if (options->deadline_ms < 1)
		return ERR_INVALID;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return ERR_INTERNAL;
	r->options = *options;
	r->m = m;
	r->clock = clock;
	err = redis_conn_new(&r->options, clock, &r->conn);
	if (err == ERR_OK) {
		*redis_out = r;
		r = NULL;
	}
	redis_free(r);
	return err;
}

void
redis_free(struct redis *r)
{
	if (r == NULL)
		return;
	redis_conn_free(r->conn);
	secret_wipe(&r->options, sizeof(r->options)); /* the password */
	free(r);
}
