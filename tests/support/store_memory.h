/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_STORE_MEMORY_H
#define SUPPORT_STORE_MEMORY_H

#include <stdint.h>

#include "base/err.h"

struct shm;
struct store;

/**
 * store_open_memory(m, store_out):
 * Open an empty store in memory that fails on demand.  It keeps every promise
 * of store/store.h except that its rows end with it.  ${m} must outlive the
 * store.
 */
enum err store_open_memory(struct shm *m, struct store **store_out) MUST_CHECK;

/*
 * Each failure happens once; ERR_OK cancels it.
 *
 * store_memory_fail_next(st, err): the next store_*() call that reads or
 * changes rows returns ${err} and does nothing.
 * store_memory_fail_commit(st, err): the commit of the next change fails with
 * ${err}.
 */
void store_memory_fail_next(struct store *st, enum err err);
void store_memory_fail_commit(struct store *st, enum err err);

/*
 * store_memory_make_admin(st, user_id): give the user the role admin without
 * a change, as an operator's SQL would.
 */
void store_memory_make_admin(struct store *st, int64_t user_id);

#endif
