/* SPDX-License-Identifier: ISC */
#ifndef POOL_SUPERVISE_H
#define POOL_SUPERVISE_H

#include "pool/listen.h"
#include "pool/pool.h"

struct config;

/**
 * supervise(options, listener, config):
 * Keep the workers running until told to stop; as pool_run().  Takes
 * ${config}.
 */
int supervise(const struct pool_options *options,
    const struct listener *listener, struct config *config);

#endif
