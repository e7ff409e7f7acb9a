/* SPDX-License-Identifier: ISC */
#ifndef POOL_SERVICES_H
#define POOL_SERVICES_H

#include "base/err.h"
#include "routes/services.h"

struct config;
struct shared;

/**
 * shared_open(config, shared_out):
 * What both lanes of a worker share: the master secret, the clients, the other
 * issuers and the mapped file.  After fork.
 */
enum err shared_open(
    const struct config *config, struct shared **shared_out) MUST_CHECK;
void shared_close(struct shared *sh);
struct mapped *shared_mapped(const struct shared *sh);

enum services_lane { SERVICES_FAST, SERVICES_SLOW };

/**
 * services_open(config, sh, lane, services_out):
 * Wire everything one lane needs, in one visible order: store, keys, issuers,
 * redis, cache, sessions, gate, login, rate limits.  Each lane has its own
 * connections.  One log line says what failed.  touch is left NULL.
 */
enum err services_open(const struct config *config, struct shared *sh,
    enum services_lane lane, struct services **services_out) MUST_CHECK;
void services_close(struct services *sv);

/**
 * services_replace_keys(config, sh, now, kid_out):
 * keys_replace() in the configured store, whatever secret its keys are sealed
 * under; nothing else of the services is needed.
 */
enum err services_replace_keys(const struct config *config, struct shared *sh,
    int64_t now, char kid_out[SIGNING_KEY_KID_SIZE]) MUST_CHECK;

#endif
