/* SPDX-License-Identifier: ISC */
#ifndef CACHE_RECORD_CODEC_H
#define CACHE_RECORD_CODEC_H

#include <stddef.h>

#include "base/err.h"
#include "model/token.h"

struct memory_cache_entry;
struct record_type;

/*
 * The encoding of a record in shared memory and, sealed, in Redis: a version
 * byte, then the columns of its type without gaps.  Integers are 64 bits,
 * little-endian; an enum is a byte; text ends in NUL.
 */

/* Rises whenever the bytes of any record type change. */
#define RECORD_CODEC_VERSION 1

/**
 * record_encode(type, record, e):
 * Write ${record} to the data of ${e}.  Every valid record fits.
 *
 * record_decode(type, e, record_out):
 * Read the data of ${e} back.  Return ERR_INVALID, ${record_out} all zero,
 * unless it is the whole encoding of a valid record in this version.
 */
void record_encode(const struct record_type *type, const void *record,
    struct memory_cache_entry *e);
enum err record_decode(const struct record_type *type,
    const struct memory_cache_entry *e, void *record_out) MUST_CHECK;

/**
 * record_encode_claims(digest, claims, e), record_decode_claims(digest, e,
 * claims_out):
 * The same for the claims of the token that has this SHA-256, which stands
 * before them.  Decoding returns ERR_INVALID if it is another token's, too.
 */
void record_encode_claims(const unsigned char digest[TOKEN_DIGEST_BYTES],
    const struct claims *claims, struct memory_cache_entry *e);
enum err record_decode_claims(const unsigned char digest[TOKEN_DIGEST_BYTES],
    const struct memory_cache_entry *e, struct claims *claims_out) MUST_CHECK;

#endif
