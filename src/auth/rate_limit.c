/* SPDX-License-Identifier: ISC */
#include "auth/rate_limit.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/kdf.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/testpoint.h"
#include "cache/rate_limit_redis.h"
#include "model/user.h"

#define NETWORK_SIZE (INET6_ADDRSTRLEN + 4) /* and its length, "/64" */
#define ACCOUNT_BYTES 16

_Static_assert(
    RATE_LIMIT_KEYS_MAX <= RATE_LIMIT_REDIS_KEYS_MAX, "one step in Redis");
_Static_assert(sizeof("account:") + 2 * ACCOUNT_BYTES <= NETWORK_SIZE,
    "a network is the longest part of a key");
#define RATE_LIMIT(id, name, ...)                                              \
	_Static_assert(sizeof("rate_limit:" name ":") + NETWORK_SIZE <=        \
		RATE_LIMIT_KEY_SIZE,                                           \
	    "keys of " name " fit");
#include "model/rate_limits.def"
#undef RATE_LIMIT

static const struct rate_limit_info infos[RATE_LIMIT_NAMES] = {
#define RATE_LIMIT(id, name, option, rate, subject, success, also, help)       \
	[RATE_LIMIT_##id] = { name, RATE_LIMIT_BY_##subject,                   \
		RATE_LIMIT_SUCCESS_##success },
#include "model/rate_limits.def"
#undef RATE_LIMIT
};

const struct rate_limit_info *
rate_limit_info(enum rate_limit_name name)
{
	assert(name > RATE_LIMIT_NONE && name < RATE_LIMIT_NAMES);
	return &infos[name];
}

/* ---- claims ---- */

/*
 * A customer with one IPv6 address mostly has its whole /64, where another
 * address costs nothing.
 */
static void
format_network(const char *address, char dst[NETWORK_SIZE])
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET6, address, &v6) == 1) {
		if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
			memset(&v6.s6_addr[8], 0, 8);
			(void)inet_ntop(AF_INET6, &v6, dst, INET6_ADDRSTRLEN);
			memcpy(dst + strlen(dst), "/64", sizeof("/64"));
			return;
		}
		memcpy(&v4, &v6.s6_addr[12], sizeof(v4));
	} else if (inet_pton(AF_INET, address, &v4) != 1) {
		memcpy(dst, "unknown", sizeof("unknown"));
		return;
	}
	(void)inet_ntop(AF_INET, &v4, dst, INET6_ADDRSTRLEN);
}

static void
add_key(struct rate_limit_claim *claim, enum rate_limit_name name,
    const char *kind, const char *value)
{
	size_t i = claim->n++;
	int n;

	assert(i < RATE_LIMIT_KEYS_MAX);
	claim->keys[i].name = name;
	n = snprintf(claim->keys[i].key, RATE_LIMIT_KEY_SIZE,
	    "rate_limit:%s:%s%s", infos[name].name, kind, value);
	assert(n > 0 && n < RATE_LIMIT_KEY_SIZE);
}

void
rate_limit_address(struct rate_limit_claim *claim, enum rate_limit_name name,
    const char *address)
{
	char network[NETWORK_SIZE];

	format_network(address, network);
	add_key(claim, name, "", network);
}

/* Hashed with a key: a dump of Redis shows no e-mail address. */
void
rate_limit_account(const struct rate_limits *rl, struct rate_limit_claim *claim,
    enum rate_limit_name name, const char *email)
{
	char normal[USER_EMAIL_SIZE], hex[2 * ACCOUNT_BYTES + 1];
	unsigned char hash[SECRET_KEY_BYTES];

	if (user_email_normal(normal, email) == ERR_OK)
		email = normal;
	kdf_derive(hash, rl->key, sizeof(rl->key), email);
	str_hex(hex, hash, ACCOUNT_BYTES);
	add_key(claim, name, "account:", hex);
}

void
rate_limit_user(
    struct rate_limit_claim *claim, enum rate_limit_name name, int64_t user_id)
{
	char id[24];

	(void)snprintf(id, sizeof(id), "%" PRId64, user_id);
	add_key(claim, name, "user:", id);
}

/* ---- counting ---- */

static void
keep_longest_wait(struct rate_limit_refusal *refusal, enum rate_limit_name name,
    int64_t wait_ms)
{
	if (wait_ms <= refusal->wait_ms)
		return;
	refusal->wait_ms = wait_ms;
	refusal->name = name;
}

static void
refund_shm(struct rate_limits *rl, const struct rate_limit_claim *claim,
    size_t n, int64_t now_ms)
{
	for (size_t i = 0; i < n; i++)
		rate_limit_shm_refund(rl->shm, &claim->keys[i].shm,
		    &rl->rules[claim->keys[i].name], now_ms);
}

/* After the first refusal the other keys only tell how long they would wait. */
static enum err
take_shm(struct rate_limits *rl, struct rate_limit_claim *claim, int64_t now_ms,
    struct rate_limit_refusal *refusal)
{
	enum err result = ERR_OK;
	size_t taken = 0;

	for (size_t i = 0; i < claim->n; i++) {
		enum rate_limit_name name = claim->keys[i].name;
		struct rate_limit_shm_count *count = &claim->keys[i].shm;
		enum err err = result == ERR_OK
		    ? rate_limit_shm_take(rl->shm, claim->keys[i].key,
			  &rl->rules[name], now_ms, count)
		    : rate_limit_shm_peek(rl->shm, claim->keys[i].key,
			  &rl->rules[name], now_ms, count);

		if (err == ERR_LIMITED)
			keep_longest_wait(refusal, name, count->wait_ms);
		if (err == ERR_OK && result == ERR_OK)
			taken++;
		else if (result == ERR_OK)
			result = err;
	}
	if (result != ERR_OK)
		refund_shm(rl, claim, taken, now_ms);
	return result;
}

static void
list_keys(const struct rate_limits *rl, const struct rate_limit_claim *claim,
    struct rate_limit_redis_key keys[RATE_LIMIT_KEYS_MAX])
{
	for (size_t i = 0; i < claim->n; i++)
		keys[i] =
		    (struct rate_limit_redis_key){ .key = claim->keys[i].key,
			    .rule = &rl->rules[claim->keys[i].name] };
}

/* Without an answer of Redis the count of the shared memory decides. */
static enum err
take_redis(struct rate_limits *rl, struct rate_limit_claim *claim,
    struct rate_limit_refusal *refusal)
{
	struct rate_limit_redis_key keys[RATE_LIMIT_KEYS_MAX];
	struct rate_limit_redis_count count;
	enum err err;

	if (rl->redis == NULL)
		return ERR_OK;
	list_keys(rl, claim, keys);
	err = rate_limit_redis_take(rl->redis, keys, claim->n, 0, &count);
	if (err == ERR_LIMITED) {
		keep_longest_wait(
		    refusal, claim->keys[count.refused].name, count.wait_ms);
		return ERR_LIMITED;
	}
	if (err == ERR_OK)
		claim->redis_at_ms = count.at_ms;
	return ERR_OK;
}

enum err
rate_limit_take(struct rate_limits *rl, struct rate_limit_claim *claim,
    int64_t now_ms, struct rate_limit_refusal *refusal_out)
{
	enum err err;

	*refusal_out = (struct rate_limit_refusal){ 0 };
	claim->redis_at_ms = 0;
	err = take_shm(rl, claim, now_ms, refusal_out);
	if (err == ERR_OK) {
		TESTPOINT("ratelimit:mapped");
		err = take_redis(rl, claim, refusal_out);
		if (err != ERR_OK)
			refund_shm(rl, claim, claim->n, now_ms);
	}
	if (err != ERR_OK)
		claim->n = 0;
	return err;
}

/*
 * Only a request that was answered with "no" may have been a guess.  One with
 * an error in its form, or a failure here, revealed nothing.
 */
static bool
stays_counted(enum rate_limit_name name, enum err outcome)
{
	switch (outcome) {
	case ERR_OK: return infos[name].success == RATE_LIMIT_SUCCESS_COUNTED;
	case ERR_NOT_FOUND:
	case ERR_DENIED:
	case ERR_LIMITED:
	case ERR_CONFLICT: return true;
	case ERR_INVALID:
	case ERR_UNAVAILABLE:
	case ERR_BUSY:
	case ERR_INTERNAL: return false;
	}
	return true;
}

void
rate_limit_settle(struct rate_limits *rl, struct rate_limit_claim *claim,
    enum err outcome, int64_t now_ms)
{
	struct rate_limit_redis_key keys[RATE_LIMIT_KEYS_MAX];

	/* All keys of a request belong to one limit. */
	if (claim->n > 0 && !stays_counted(claim->keys[0].name, outcome)) {
		refund_shm(rl, claim, claim->n, now_ms);
		list_keys(rl, claim, keys);
		if (rl->redis != NULL && claim->redis_at_ms != 0 &&
		    rate_limit_redis_refund(rl->redis, keys, claim->n,
			claim->redis_at_ms, 0) != ERR_OK)
			log_event(LOG_LEVEL_DEBUG, "refund_lost", "keys=%zu",
			    claim->n);
	}
	claim->n = 0;
}
