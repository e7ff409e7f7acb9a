/* SPDX-License-Identifier: ISC */
#ifndef POOL_WIRING_H
#define POOL_WIRING_H

#include "base/err.h"
#include "routes/context.h"

struct config;
struct shared;

/**
 * shared_open(config, shared_out):
 * Open what both threads of a worker share: the master secret, clients, issuers
 * and shared memory.  Call it after fork.
 */
enum err shared_open(
    const struct config *config, struct shared **shared_out) MUST_CHECK;
void shared_close(struct shared *sh);
struct shm *shared_shm(const struct shared *sh);

enum wiring_thread { WIRING_EVENT_LOOP, WIRING_BACKGROUND };

/**
 * wiring_open(config, sh, thread, app_out):
 * Open and connect everything that a thread needs, in one visible order: store,
 * keys, issuers, Redis, cache, sessions, hash semaphore, login, rate limits.
 * Each thread has its own connections.  Errors are logged.  touch is left NULL.
 */
enum err wiring_open(const struct config *config, struct shared *sh,
    enum wiring_thread thread, struct app **app_out) MUST_CHECK;
void wiring_close(struct app *app);

/**
 * wiring_replace_keys(config, sh, now, kid_out):
 * Call signing_keys_replace() on the configured store, whatever secret its keys
 * are encrypted under; open nothing else.
 */
enum err wiring_replace_keys(const struct config *config, struct shared *sh,
    int64_t now, char kid_out[SIGNING_KEY_KID_SIZE]) MUST_CHECK;

#endif
