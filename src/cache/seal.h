/* SPDX-License-Identifier: ISC */
#ifndef CACHE_SEAL_H
#define CACHE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "coherence/coherence.h"

struct buf;

/* Bytes that sealing adds: nonce and tag. */
#define SEAL_BYTES (24 + 16)

/* The associated data: a sealed value opens under exactly this. */
struct seal_binding {
	const char *key; /* the full Redis key */
	/* coherence_binding(); zero for a row, which no version guards. */
	unsigned char version[COHERENCE_BINDING_BYTES];
};

/**
 * seal_close(key, binding, plain, len, sealed):
 * Append nonce, XChaCha20-Poly1305 ciphertext and tag of ${len} bytes of
 * ${plain} to ${sealed}.  Return ERR_INTERNAL without memory.
 *
 * seal_open(key, binding, sealed, len, plain):
 * Append the plain text of ${len} bytes of ${sealed} to ${plain}.  Return
 * ERR_DENIED, with nothing appended, if they were not sealed under this key and
 * binding, ERR_INTERNAL without memory.
 */
enum err seal_close(const unsigned char key[SECRET_KEY_BYTES],
    const struct seal_binding *binding, const void *plain, size_t len,
    struct buf *sealed) MUST_CHECK;
enum err seal_open(const unsigned char key[SECRET_KEY_BYTES],
    const struct seal_binding *binding, const void *sealed, size_t len,
    struct buf *plain) MUST_CHECK;

#endif
