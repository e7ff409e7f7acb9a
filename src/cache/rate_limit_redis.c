/* SPDX-License-Identifier: ISC */
#include "cache/rate_limit_redis.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

#define ARG_SIZE 24 /* a number of 64 bits */
#define ARGS (2 + 2 * RATE_LIMIT_REDIS_KEYS_MAX)

_Static_assert(ARGS <= REDIS_ARGS_MAX, "the arguments fit into one command");
_Static_assert(RATE_LIMIT_SHM_BLOCKS == 14, "the script has 14 blocks");

const struct redis_script rate_limit_redis_script = {
#include "cache/limits.inc"
};

static enum err
run(struct redis *r, const struct rate_limit_redis_key *keys, size_t n,
    int64_t now_ms, int64_t at_ms, struct buf *reply)
{
	const char *names[RATE_LIMIT_REDIS_KEYS_MAX], *args[ARGS];
	char numbers[ARGS][ARG_SIZE];
	const struct redis_eval eval = { .script = &rate_limit_redis_script,
		.keys = names,
		.args = args,
		.n_keys = n,
		.n_args = 2 + 2 * n };

	if (n > RATE_LIMIT_REDIS_KEYS_MAX)
		return ERR_INVALID;
	(void)snprintf(numbers[0], ARG_SIZE, "%" PRId64, now_ms);
	(void)snprintf(numbers[1], ARG_SIZE, "%" PRId64, at_ms);
	for (size_t i = 0; i < n; i++) {
		names[i] = keys[i].key;
		(void)snprintf(
		    numbers[2 + 2 * i], ARG_SIZE, "%d", keys[i].rule->max);
		(void)snprintf(numbers[3 + 2 * i], ARG_SIZE, "%" PRId64,
		    keys[i].rule->window_ms);
	}
	for (size_t i = 0; i < eval.n_args; i++)
		args[i] = numbers[i];
	return redis_eval(r, &eval, reply);
}

/* Parse "KEY WAIT NOW"; KEY is the refused key, counted from 1, or 0. */
static enum err
parse_reply(
    const struct buf *reply, size_t n, struct rate_limit_redis_count *count)
{
	char *at = reply->data;
	long long numbers[3];

	if (reply->len == 0)
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < NELEMS(numbers); i++) {
		char *end;

		errno = 0;
		numbers[i] = strtoll(at, &end, 10);
		if (errno != 0 || end == at || numbers[i] < 0)
			return ERR_UNAVAILABLE;
		at = end;
	}
	if ((unsigned long long)numbers[0] > n)
		return ERR_UNAVAILABLE;
	count->refused = numbers[0] == 0 ? n : (size_t)numbers[0] - 1;
	count->wait_ms = numbers[1];
	count->at_ms = numbers[2];
	return numbers[0] == 0 ? ERR_OK : ERR_LIMITED;
}

enum err
rate_limit_redis_take(struct redis *r, const struct rate_limit_redis_key *keys,
    size_t n, int64_t now_ms, struct rate_limit_redis_count *count_out)
{
	struct buf reply = { 0 };
	enum err err;

	*count_out = (struct rate_limit_redis_count){ .refused = n };
	err = run(r, keys, n, now_ms, -1, &reply);
	if (err == ERR_OK)
		err = parse_reply(&reply, n, count_out);
	buf_clear(&reply);
	return err;
}

enum err
rate_limit_redis_refund(struct redis *r,
    const struct rate_limit_redis_key *keys, size_t n, int64_t at_ms,
    int64_t now_ms)
{
	struct buf reply = { 0 };
	enum err err = run(r, keys, n, now_ms, at_ms, &reply);

	buf_clear(&reply);
	return err;
}
