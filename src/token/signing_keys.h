/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_SIGNING_KEYS_H
#define TOKEN_SIGNING_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/signing_key.h"

struct shm;
struct master_secret;
struct keypair;
struct store;
struct json_writer;

/*
 * The keys that sign and verify our tokens.  They lie in the store, sealed
 * under the master secret; what a process has of them in memory counts, like
 * whatever else is cached, only under the generation it was read under.  So
 * all processes of the host know of a new key, or of one that is gone, as soon
 * as the change is made, without asking the store about it.
 */
enum signing_keys_alg {
	SIGNING_KEYS_HS256,
	SIGNING_KEYS_RS256,
	SIGNING_KEYS_ES256,
	SIGNING_KEYS_ALGS
};

/* How long after its last token has expired a key is still published. */
#define SIGNING_KEYS_GRACE_SECONDS 60

struct signing_key {
	char kid[SIGNING_KEY_KID_SIZE];
	enum signing_keys_alg alg;
	struct buf secret;    /* HS256 */
	struct keypair *pair; /* the others */
	struct buf header;    /* of its tokens, in base64url */
	int64_t created_at;   /* the rest is as in model/signing_key.h */
	int64_t signs_at;
	int64_t lifetime;
};

/* What keys are opened with; all borrowed, for as long as they are open. */
struct signing_keys_options {
	struct store *store;
	struct shm *shm;
	/* Of len 0 where there is no file yet: made, if no key needs it. */
	struct master_secret *master;
	enum signing_keys_alg alg; /* of keys to come */
	int64_t lifetime;          /* of the tokens that are signed here */
	int64_t publish; /* how long a key is published before it signs */
	int64_t max_age; /* after which another takes its place; 0: none */
};

struct signing_keys {
	struct signing_keys_options options;
	struct signing_key
	    list[SIGNING_KEYS_MAX]; /* in the order they sign in */
	size_t count;
	uint64_t generation; /* odd: read it again */
	bool settled;        /* one of our algorithm signs, or is to */
	bool told;           /* the log says that they cannot be read */
};

/* signing_keys_alg_from(name, alg_out), signing_keys_alg_name(alg): "HS256" and
 * so on. */
enum err signing_keys_alg_from(
    const char *name, enum signing_keys_alg *alg_out) MUST_CHECK;
const char *signing_keys_alg_name(enum signing_keys_alg alg);

/**
 * signing_keys_open(options, now, keys_out):
 * Read the keys of the store.  Where there are none, make the first: with
 * HS256 that is the one the master secret gives.  Where the newest is of
 * another algorithm, start a rotation.  ERR_INVALID, with one log line, if the
 * master secret is not the one that they are sealed under; ERR_UNAVAILABLE.
 * signing_keys_close() follows always; it wipes.
 */
enum err signing_keys_open(const struct signing_keys_options *options,
    int64_t now, struct signing_keys *keys_out) MUST_CHECK;
void signing_keys_close(struct signing_keys *k);

/**
 * signing_keys_refresh(k):
 * Have what the store has.  Costs nothing unless something changed.  After
 * ERR_UNAVAILABLE nobody can tell which keys there are.
 */
enum err signing_keys_refresh(struct signing_keys *k) MUST_CHECK;

/**
 * signing_keys_current(k, now): the key that signs at ${now}; NULL if there is
 * none. signing_keys_of(k, text, now): the key whose tokens begin as ${text}
 * does, or whose kid its header names; NULL if there is none, or it is over at
 * ${now}. Neither refreshes.
 */
const struct signing_key *signing_keys_current(
    const struct signing_keys *k, int64_t now);
const struct signing_key *signing_keys_of(
    const struct signing_keys *k, const char *text, int64_t now);

enum signing_keys_state {
	SIGNING_KEYS_NEXT,
	SIGNING_KEYS_SIGNS,
	SIGNING_KEYS_VERIFIES,
	SIGNING_KEYS_OVER
};

/* signing_keys_state(k, i, now): what the key ${i} of the list is at ${now}. */
enum signing_keys_state signing_keys_state(
    const struct signing_keys *k, size_t i, int64_t now);

/**
 * signing_keys_jwks(k, now, w):
 * Write the member "keys" of a JWK set (RFC 7517 section 5): the public keys of
 * RS256 and ES256 that are to sign, sign, or did sign tokens which may still be
 * good.  Does not refresh.
 */
enum err signing_keys_jwks(const struct signing_keys *k, int64_t now,
    struct json_writer *w) MUST_CHECK;

/* ---- signing_keys_rotate.c ---- */

/**
 * signing_keys_rotate(k, now, kid_out):
 * Make a new key, which signs once it has been published for long enough.
 * ERR_CONFLICT if one is on its way already; ERR_LIMITED if there are too
 * many.
 *
 * signing_keys_replace(options, now, kid_out):
 * Make a new key that signs at once, and forget all others: every token that
 * there is ends.  For secrets that got out, or were lost: it reads no key.
 */
enum err signing_keys_rotate(struct signing_keys *k, int64_t now,
    char kid_out[SIGNING_KEY_KID_SIZE]) MUST_CHECK;
enum err signing_keys_replace(const struct signing_keys_options *options,
    int64_t now, char kid_out[SIGNING_KEY_KID_SIZE]) MUST_CHECK;

/**
 * signing_keys_maintain(k, now):
 * Remove the keys that are over, and rotate if the one that signs is too old
 * or of another algorithm than is wanted.  Costs nothing if there is nothing
 * to do.
 */
enum err signing_keys_maintain(struct signing_keys *k, int64_t now) MUST_CHECK;

/**
 * signing_keys_first(k, now): put the first keys into a store that has none.
 * signing_keys_extend_lifetime(k, now): have those that are to sign, or do,
 * kept for as long as our tokens live.  Both for signing_keys_open();
 * ERR_CONFLICT if somebody else changed the keys since they were read.
 */
enum err signing_keys_first(struct signing_keys *k, int64_t now) MUST_CHECK;
enum err signing_keys_extend_lifetime(
    struct signing_keys *k, int64_t now) MUST_CHECK;

/* ---- keys_row.c: between a key and its row ---- */

/**
 * signing_keys_row_make(alg, master, row_out): a new key of ${alg}, times not
 * set. signing_keys_row_first(master, row_out): the HS256 key that the master
 * secret gives. signing_keys_row_open(row, master, key_out): ERR_INVALID if it
 * was not sealed under
 * ${master}; on any error ${key_out} is all zero.
 * signing_keys_row_clear(key): wipe and free what it has.
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
