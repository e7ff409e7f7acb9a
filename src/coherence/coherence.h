/* SPDX-License-Identifier: ISC */
#ifndef COHERENCE_COHERENCE_H
#define COHERENCE_COHERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Coherence makes a revocation final.  Each cache key has a version.  A cached
 * entry is valid only while the version that it was filled under is the version
 * of its key, and every change of rows moves the versions of its keys.  The
 * implementation stores the versions: shm_coherence.h in the shared memory of
 * one host.
 *
 * A version is an even number.  An odd one means "unknown": a change of the
 * key is in flight, or the implementation has no answer.  Then caches are
 * neither read nor filled, and the store is read.
 */
#define COHERENCE_UNKNOWN UINT64_C(1)
#define COHERENCE_BINDING_BYTES 24

struct coherence;

/* See coherence_lock(); returns any error while the outcome is unknown. */
typedef enum err coherence_flush_fn(void *ctx);

typedef uint64_t coherence_read_fn(const struct coherence *co, const char *key);
typedef void coherence_binding_fn(const struct coherence *co, uint64_t version,
    unsigned char binding_out[COHERENCE_BINDING_BYTES]);
typedef enum err coherence_lock_fn(
    struct coherence *co, int wait_ms, coherence_flush_fn *flush, void *ctx);
typedef enum err coherence_begin_fn(
    struct coherence *co, const char *const *keys, size_t n);
typedef void coherence_step_fn(struct coherence *co);

struct coherence_ops { /* every member is required */
	const char *name;
	coherence_read_fn *read;
	coherence_binding_fn *binding;
	coherence_lock_fn *lock;
	coherence_begin_fn *begin;
	coherence_step_fn *publish;
	coherence_step_fn *abort;
	coherence_step_fn *unlock;
	coherence_step_fn *free;
};

/* The first member of each implementation's struct. */
struct coherence {
	const struct coherence_ops *ops;
};

/* ---- the read ---- */

/**
 * coherence_read(co, key):
 * Return the version of ${key}, with acquire order: what is read after it is
 * at least as new.  Read it before the rows that it stands for.
 */
static inline uint64_t
coherence_read(const struct coherence *co, const char *key)
{
	return co->ops->read(co, key);
}

/* coherence_known(version): false if ${version} means "unknown". */
static inline bool
coherence_known(uint64_t version)
{
	return (version & 1) == 0;
}

/**
 * coherence_current(co, key, version):
 * Return true if ${version} is known and still the version of ${key}: copies
 * that were read after it are valid.
 */
static inline bool
coherence_current(const struct coherence *co, const char *key, uint64_t version)
{
	return coherence_known(version) && coherence_read(co, key) == version;
}

/**
 * coherence_binding(co, version, binding_out):
 * Fill ${binding_out} with the bytes that seal an entry in Redis: it opens only
 * under the same bytes.  ${version} must be known.
 */
void coherence_binding(const struct coherence *co, uint64_t version,
    unsigned char binding_out[COHERENCE_BINDING_BYTES]);

/* ---- the change ---- */

/*
 * The steps of every change:
 *
 *	coherence_lock
 *	    begin the transaction
 *	    coherence_begin(keys)    the versions of these keys are unknown
 *	        write the rows
 *	    commit
 *	    coherence_publish        known again, and new
 *	coherence_unlock
 *
 * coherence_abort() takes the place of coherence_publish() when the
 * transaction was rolled back.  If neither is called, because the outcome of
 * the commit is unknown or the process died, the versions stay unknown until
 *the next coherence_lock() has flushed.
 */

/**
 * coherence_lock(co, wait_ms, flush, ctx):
 * Lock out other changes, waiting at most ${wait_ms} (0: only try).  If the
 * previous owner left keys begun and not published, call ${flush} (may be NULL)
 * with ${ctx}, which makes sure that its change is permanently either committed
 * or rolled back, and then give these keys new versions.  Return
 * ERR_UNAVAILABLE if the lock was not free in time, or the error of ${flush}:
 * then nothing is locked, and the keys stay unknown.
 */
enum err coherence_lock(struct coherence *co, int wait_ms,
    coherence_flush_fn *flush, void *ctx) MUST_CHECK;

/**
 * coherence_begin(co, keys, n):
 * Holding the lock: make the versions of the ${n} ${keys} unknown.  May be
 * called again in the same change.  Return ERR_INVALID, nothing begun, for
 * more keys than the implementation can hold in one change, ERR_UNAVAILABLE
 * if other hosts cannot be notified.
 */
enum err coherence_begin(
    struct coherence *co, const char *const *keys, size_t n) MUST_CHECK;

/**
 * coherence_publish(co): the change is committed; its keys get new versions.
 * coherence_abort(co): the change was rolled back for certain; the same.
 * coherence_unlock(co): let the next change begin.
 */
void coherence_publish(struct coherence *co);
void coherence_abort(struct coherence *co);
void coherence_unlock(struct coherence *co);

/* coherence_free(co): NULL is fine. */
void coherence_free(struct coherence *co);

#endif
