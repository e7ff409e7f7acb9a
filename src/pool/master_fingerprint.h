/* SPDX-License-Identifier: ISC */
#ifndef POOL_MASTER_FINGERPRINT_H
#define POOL_MASTER_FINGERPRINT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"

struct config;

/*
 * Identifies the master secret without revealing it.  On a reload the secret
 * must be the same, because new workers must decrypt the keys that the old ones
 * sign with.
 */
struct master_fingerprint {
	unsigned char bytes[SECRET_KEY_BYTES];
	bool known; /* the secret existed */
};

/**
 * master_fingerprint_read(config, fingerprint_out):
 * Before the start: check the master secret, which may not exist yet, and
 * return its fingerprint.  ERR_INVALID or ERR_UNAVAILABLE are logged.
 *
 * master_fingerprint_check(config, fingerprint):
 * Before a reload: check that the master secret exists and has fingerprint
 * ${fingerprint}, or set ${fingerprint} if it was not known.  ERR_INVALID or
 * ERR_UNAVAILABLE are logged.
 */
enum err master_fingerprint_read(const struct config *config,
    struct master_fingerprint *fingerprint_out) MUST_CHECK;
enum err master_fingerprint_check(const struct config *config,
    struct master_fingerprint *fingerprint) MUST_CHECK;

#endif
