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

struct wiring_clock_reset {
	int64_t behind;   /* by how much the store was ahead; 0: not reset */
	int64_t sessions; /* how many ended */
};

/**
 * wiring_reset_clock(config, sh, now, reset_out):
 * If the configured store has seen a later time than ${now}, call
 * store_clock_reset(), and signing_keys_replace(), because other verifiers
 * accept tokens of the keys until they expire.  This process must be the only
 * one that uses ${sh} (shm_alone()).  On errors ${reset_out}->behind tells
 * whether the store was reset and only the keys were not replaced.
 */
enum err wiring_reset_clock(const struct config *config, struct shared *sh,
    int64_t now, struct wiring_clock_reset *reset_out) MUST_CHECK;

#endif
