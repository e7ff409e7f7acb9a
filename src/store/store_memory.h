/* SPDX-License-Identifier: ISC */
#ifndef STORE_STORE_MEMORY_H
#define STORE_STORE_MEMORY_H

#include <stdint.h>

#include "base/err.h"

struct store;

/*
 * What tests make a store of store_open_memory() do.  Each holds for one
 * time; ERR_OK takes it back.
 *
 * store_memory_fail_next(st, err): the next store_*() call that reads or
 * changes does nothing and answers ${err}.
 * store_memory_fail_commit(st, err): the next change gets as far as its
 * commit, which fails with ${err}.
 */
void store_memory_fail_next(struct store *st, enum err err);
void store_memory_fail_commit(struct store *st, enum err err);

/*
 * store_memory_make_admin(st, user_id): that user is an admin, as if an
 * operator had changed the row behind everybody's back.
 */
void store_memory_make_admin(struct store *st, int64_t user_id);

#endif
