/* SPDX-License-Identifier: ISC */
#ifndef CACHE_RECORD_CODEC_H
#define CACHE_RECORD_CODEC_H

#include "base/err.h"
#include "model/session.h"
#include "model/token.h"
#include "model/user.h"

struct memory_cache_entry;

/*
 * What the entry table keeps of a row: its members in a fixed order, texts
 * with their length.  Unpacking costs a hundredth of what it costs from JSON.
 */

/**
 * record_encode_session(s, e), record_encode_user(u, e),
 * record_encode_claims(digest, c, e): Fill in ->data and ->len of ${e}.  Every
 * valid row fits.
 *
 * record_decode_session(e, s_out), ...: and back; ERR_INVALID, ${s_out} all
 * zero, if that is not what was packed.
 */
void record_encode_session(
    const struct session *s, struct memory_cache_entry *e);
void record_encode_user(const struct user *u, struct memory_cache_entry *e);
enum err record_decode_session(
    const struct memory_cache_entry *e, struct session *s_out) MUST_CHECK;
enum err record_decode_user(
    const struct memory_cache_entry *e, struct user *u_out) MUST_CHECK;

/* The same with the digest of the token that says so. */
void record_encode_claims(const unsigned char digest[TOKEN_DIGEST_BYTES],
    const struct claims *c, struct memory_cache_entry *e);
enum err record_decode_claims(const struct memory_cache_entry *e,
    const unsigned char digest[TOKEN_DIGEST_BYTES],
    struct claims *c_out) MUST_CHECK;

#endif
