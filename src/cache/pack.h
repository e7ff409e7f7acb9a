/* SPDX-License-Identifier: ISC */
#ifndef CACHE_PACK_H
#define CACHE_PACK_H

#include "base/err.h"
#include "model/session.h"
#include "model/token.h"
#include "model/user.h"

struct table_entry;

/*
 * What the entry table keeps of a row: its members in a fixed order, texts
 * with their length.  Unpacking costs a hundredth of what it costs from JSON.
 */

/**
 * pack_session(s, e), pack_user(u, e), pack_claims(digest, c, e):
 * Fill in ->data and ->len of ${e}.  Every valid row fits.
 *
 * pack_session_open(e, s_out), ...: and back; ERR_INVALID, ${s_out} all zero,
 * if that is not what was packed.
 */
void pack_session(const struct session *s, struct table_entry *e);
void pack_user(const struct user *u, struct table_entry *e);
enum err pack_session_open(
    const struct table_entry *e, struct session *s_out) MUST_CHECK;
enum err pack_user_open(
    const struct table_entry *e, struct user *u_out) MUST_CHECK;

/* The same with the digest of the token that says so. */
void pack_claims(const unsigned char digest[TOKEN_DIGEST_BYTES],
    const struct claims *c, struct table_entry *e);
enum err pack_claims_open(const struct table_entry *e,
    const unsigned char digest[TOKEN_DIGEST_BYTES],
    struct claims *c_out) MUST_CHECK;

#endif
