/* SPDX-License-Identifier: ISC */
#ifndef POOL_SUPERVISE_H
#define POOL_SUPERVISE_H

#include "pool/listen.h"
#include "pool/pool.h"

struct config;
struct master_fingerprint;

/**
 * supervise(options, listener, mark, config):
 * Keep the workers running until told to stop; as pool_run().  ${mark} is of
 * the secret they start with.  Takes ${config}.
 */
int supervise(const struct pool_options *options,
    const struct listener *listener, struct master_fingerprint *mark,
    struct config *config);

#endif
