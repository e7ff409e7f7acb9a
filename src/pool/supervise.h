/* SPDX-License-Identifier: ISC */
#ifndef POOL_SUPERVISE_H
#define POOL_SUPERVISE_H

#include "pool/listen.h"
#include "pool/pool.h"

struct config;
struct master_fingerprint;

/**
 * supervise(options, listener, fingerprint, config):
 * Run the workers until SIGTERM, SIGINT or SIGQUIT and return the exit status,
 * as pool_run() does.  Bind ${listener} again if its file vanishes.
 * ${fingerprint} is that of the secret they start with. Takes
 * ${config}.
 */
int supervise(const struct pool_options *options, struct listener *listener,
    struct master_fingerprint *fingerprint, struct config *config);

#endif
