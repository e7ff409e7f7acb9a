/* SPDX-License-Identifier: ISC */
#ifndef POOL_SUPERVISE_H
#define POOL_SUPERVISE_H

#include "pool/listen.h"
#include "pool/pool.h"

struct config;
struct secret_mark;

/**
 * supervise(options, listener, mark, config):
 * Keep the workers running until told to stop; as pool_run().  ${mark} is of
 * the secret they start with.  Takes ${config}.
 */
int supervise(const struct pool_options *options,
    const struct listener *listener, struct secret_mark *mark,
    struct config *config);

#endif
