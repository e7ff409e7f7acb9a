/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_KEYRING_H
#define SUPPORT_KEYRING_H

#include "token/master_secret.h"
#include "token/signing_keys.h"

/*
 * keyring_open(secret, keys_out): hold the one HS256 key that JWT_SECRET
 * gives. keyring_seal(secret, seal_out): what the caches are sealed under with
 * it.
 */
void keyring_open(const char *secret, struct signing_keys *keys_out);
void keyring_seal(const char *secret, unsigned char seal_out[SECRET_KEY_BYTES]);

#endif
