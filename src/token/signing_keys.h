/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_SIGNING_KEYS_H
#define TOKEN_SIGNING_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/signing_key.h"

struct master_secret;
struct keypair;
struct store;
struct json_writer;

/*
 * The keys that sign and verify this site's tokens.  They are rows of the
 * store, sealed under the master secret.  The copy in memory is valid only
 * under the generation it was read under, so all processes of the host see a
 * change at once without a query.
 */
enum signing_keys_alg {
	SIGNING_KEYS_HS256,
	SIGNING_KEYS_RS256,
	SIGNING_KEYS_ES256,
	SIGNING_KEYS_ALGS
};

/* How long a key stays published after its last token has expired. */
#define SIGNING_KEYS_GRACE_SECONDS 60

struct signing_key {
	char kid[SIGNING_KEY_KID_SIZE];
	enum signing_keys_alg alg;
	struct buf secret;    /* HS256 */
	struct keypair *pair; /* RS256, ES256 */
	struct buf header;    /* of its tokens, base64url */
	int64_t created_at;   /* these as in model/signing_key.h */
	int64_t signs_at;
	int64_t lifetime;
};

/* All borrowed while the keys are open. */
struct signing_keys_options {
	struct store *store;
	struct master_secret *master; /* len 0: created with the first key */
	enum signing_keys_alg alg;    /* of new keys */
	int64_t lifetime;             /* of tokens, seconds */
	int64_t publish; /* seconds a key is published before it signs */
	int64_t max_age; /* seconds a key signs; 0: until rotated by hand */
};

struct signing_keys {
	struct signing_keys_options options;
	struct signing_key list[SIGNING_KEYS_MAX]; /* by signs_at */
	size_t count;
	uint64_t version;    /* of SIGNING_KEYS_KEY; unknown: must be read */
	bool algorithm_used; /* the newest key has had options.alg */
	bool refusal_logged;
};

/* signing_keys_alg_from(name, alg_out), signing_keys_alg_name(alg): "HS256" ...
 */
enum err signing_keys_alg_from(
    const char *name, enum signing_keys_alg *alg_out) MUST_CHECK;
const char *signing_keys_alg_name(enum signing_keys_alg alg);

/**
 * signing_keys_open(options, now, keys_out):
 * Read the keys of the store.  If there are none, create the first, which for
 * HS256 is derived from the master secret; if the newest has another algorithm,
 * start a rotation.  ERR_INVALID, with one log line, if they are sealed under
 * another master secret; ERR_UNAVAILABLE if the store fails.  The caller calls
 * signing_keys_close() in every case; it wipes the keys.
 */
enum err signing_keys_open(const struct signing_keys_options *options,
    int64_t now, struct signing_keys *keys_out) MUST_CHECK;
void signing_keys_close(struct signing_keys *k);

/**
 * signing_keys_refresh(k):
 * Read the keys again if they have changed; otherwise this costs one memory
 * read.  After ERR_UNAVAILABLE the valid keys are unknown.
 */
enum err signing_keys_refresh(struct signing_keys *k) MUST_CHECK;

/**
 * signing_keys_active(k, now):
 * Return the key that signs at ${now}, or NULL.
 *
 * signing_keys_find(k, text, now):
 * Return the key whose tokens begin as ${text} does, or whose kid its header
 * names; NULL if there is none or it is retired at ${now}.  Neither refreshes.
 */
const struct signing_key *signing_keys_active(
    const struct signing_keys *k, int64_t now);
const struct signing_key *signing_keys_find(
    const struct signing_keys *k, const char *text, int64_t now);

enum signing_keys_state {
	SIGNING_KEYS_NEXT,
	SIGNING_KEYS_ACTIVE,
	SIGNING_KEYS_VERIFIES,
	SIGNING_KEYS_RETIRED
};

/* signing_keys_state(k, i, now): state of the key ${i} of the list. */
enum signing_keys_state signing_keys_state(
    const struct signing_keys *k, size_t i, int64_t now);

/**
 * signing_keys_jwks(k, now, w):
 * Write the member "keys" of a JWK set (RFC 7517 section 5): the public keys
 * that will sign, sign, or have signed tokens that may still be valid.  Does
 * not refresh.
 */
enum err signing_keys_jwks(const struct signing_keys *k, int64_t now,
    struct json_writer *w) MUST_CHECK;

/* ---- signing_keys_rotate.c ---- */

/**
 * signing_keys_rotate(k, now, kid_out):
 * Create a key that signs after ${k}->options.publish seconds.  ERR_CONFLICT if
 * a key is waiting to sign already; ERR_LIMITED if there are too many.
 *
 * signing_keys_replace(options, now, kid_out):
 * Create a key that signs at once and delete all others, which ends every
 * token.  For secrets that leaked or were lost: reads no key.
 */
enum err signing_keys_rotate(struct signing_keys *k, int64_t now,
    char kid_out[SIGNING_KEY_KID_SIZE]) MUST_CHECK;
enum err signing_keys_replace(const struct signing_keys_options *options,
    int64_t now, char kid_out[SIGNING_KEY_KID_SIZE]) MUST_CHECK;

/**
 * signing_keys_maintain(k, now):
 * Delete retired keys, and rotate if the active key is too old or has another
 * algorithm than the configured one.
 */
enum err signing_keys_maintain(struct signing_keys *k, int64_t now) MUST_CHECK;

/**
 * signing_keys_first(k, now):
 * Create the first keys of a store.
 *
 * signing_keys_extend_lifetime(k, now):
 * Raise the lifetime of the keys that sign, or will, to that of our tokens.
 * Both are for signing_keys_open(); ERR_CONFLICT if another process has changed
 * the keys since they were read.
 */
enum err signing_keys_first(struct signing_keys *k, int64_t now) MUST_CHECK;
enum err signing_keys_extend_lifetime(
    struct signing_keys *k, int64_t now) MUST_CHECK;

/* ---- signing_keys_row.c ---- */

/**
 * signing_keys_row_make(alg, master, row_out):
 * Create the row of a new key, without its times.
 *
 * signing_keys_row_first(master, row_out):
 * The same for the HS256 key derived from ${master}.
 *
 * signing_keys_row_open(row, master, key_out):
 * Open the sealed key.  ERR_INVALID if it is not sealed under ${master};
 * ${key_out} is all zero on any error.
 *
 * signing_keys_row_clear(key): wipe and free ${key}.
 */
enum err signing_keys_row_make(enum signing_keys_alg alg,
    const struct master_secret *master,
    struct signing_key_row *row_out) MUST_CHECK;
enum err signing_keys_row_first(const struct master_secret *master,
    struct signing_key_row *row_out) MUST_CHECK;
enum err signing_keys_row_open(const struct signing_key_row *row,
    const struct master_secret *master, struct signing_key *key_out) MUST_CHECK;
void signing_keys_row_clear(struct signing_key *key);

#endif
