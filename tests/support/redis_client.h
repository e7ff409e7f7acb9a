/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_REDIS_CLIENT_H
#define SUPPORT_REDIS_CLIENT_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "cache/redis.h"

struct shm;
struct redis_server;

/* One client of a real server, for the tests of cache/redis. */

/* Long: on a busy machine no test may see an outage that it did not make. */
#define REDIS_CLIENT_DEADLINE_MS 500

struct redis_client {
	char dir[32];
	struct shm *m;
	struct redis_server *server;
	struct redis_options options;
	struct clock clock;
	struct redis *redis;
};

/* The client's monotonic clock, and how far a test has set it forward. */
extern int64_t redis_client_ahead_us;
int64_t redis_client_mono_us(void);

/* A fixture: *state is a struct redis_client. */
int redis_client_setup(void **state);
int redis_client_teardown(void **state);

/* Replace the client by one with ->options; as ${user} ("": none). */
void redis_client_reopen(struct redis_client *f);
void redis_client_as(
    struct redis_client *f, const char *user, const char *password);

/* redis_get() and redis_set() of one ${key}. */
enum err redis_client_get(struct redis_client *f, const char *key);
enum err redis_client_set(
    struct redis_client *f, const char *key, const char *value);
/* The value of ${key} must be ${expect}. */
void redis_client_expect(
    struct redis_client *f, const char *key, const char *expect);

#endif
