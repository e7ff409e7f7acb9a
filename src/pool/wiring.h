/* SPDX-License-Identifier: ISC */
#ifndef POOL_WIRING_H
#define POOL_WIRING_H

#include "base/err.h"
#include "routes/context.h"

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
struct shm *shared_mapped(const struct shared *sh);

enum wiring_thread { WIRING_FAST, WIRING_SLOW };

/**
 * wiring_open(config, sh, lane, app_out):
 * Wire everything one lane needs, in one visible order: store, keys, issuers,
 * redis, cache, sessions, gate, login, rate limits.  Each lane has its own
 * connections.  One log line says what failed.  touch is left NULL.
 */
enum err wiring_open(const struct config *config, struct shared *sh,
    enum wiring_thread background_queue, struct app **app_out) MUST_CHECK;
void wiring_close(struct app *app);

/**
 * wiring_replace_keys(config, sh, now, kid_out):
 * signing_keys_replace() in the configured store, whatever secret its keys are
 * sealed under; nothing else of the services is needed.
 */
enum err wiring_replace_keys(const struct config *config, struct shared *sh,
    int64_t now, char kid_out[SIGNING_KEY_KID_SIZE]) MUST_CHECK;

#endif
