/* SPDX-License-Identifier: ISC */
#ifndef POOL_MASTER_FINGERPRINT_H
#define POOL_MASTER_FINGERPRINT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"

struct config;

/*
 * Which master secret it is: derived from it, and telling nothing of it.  On a
 * reload the secret must still be there and the same, or new workers could not
 * open the keys that the old ones sign with.
 */
struct master_fingerprint {
	unsigned char bytes[SECRET_KEY_BYTES];
	bool known; /* there was one */
};

/**
 * master_fingerprint_take(config, mark_out):
 * Before the start: is the master secret fit for use?  ERR_OK also if there is
 * none yet.  ERR_INVALID or ERR_UNAVAILABLE with one log line if not.
 *
 * master_fingerprint_check(config, mark):
 * Before a reload: the same, and it is there, and is the one of ${mark}, or
 * becomes it if that was not known.  ERR_INVALID or ERR_UNAVAILABLE with one
 * log line if not.
 */
enum err master_fingerprint_take(const struct config *config,
    struct master_fingerprint *mark_out) MUST_CHECK;
enum err master_fingerprint_check(
    const struct config *config, struct master_fingerprint *mark) MUST_CHECK;

#endif
