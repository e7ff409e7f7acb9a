/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_ISSUERS_CONFIG_H
#define ISSUERS_ISSUERS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "model/issuer.h"
#include "token/jwk.h"

/*
 * Who else may sign tokens that are good here: LATCHKEY_ISSUERS_FILE, a block
 * for each issuer,
 *
 *	[https://issuer.example]
 *	audience = latchkey
 *	algorithms = ES256
 *
 * The name in brackets is what its tokens have as iss, exactly.  Lines that are
 * empty or begin with # or ; do not count.  docs/ISSUERS.md has all names.
 */
#define ISSUER_URL_SIZE 513
#define ISSUER_PATH_SIZE 513
#define ISSUER_CLAIM_SIZE 129
#define ISSUER_TEXT_SIZE 129 /* of an audience, or authorized party */
#define ISSUER_TEXTS_MAX 8

#define ISSUERS_DIGEST_SIZE (2 * DIGEST_BYTES + 1)

struct issuer_texts {
	char list[ISSUER_TEXTS_MAX][ISSUER_TEXT_SIZE];
	size_t count;
};

/* A block; what it does not say has its default. */
struct issuer {
	char name[ISSUER_NAME_SIZE];    /* iss */
	char jwks_uri[ISSUER_URL_SIZE]; /* "": by discovery from the name */
	char ca_file[ISSUER_PATH_SIZE]; /* "": those of the system */
	/* One of both has an element; those that have one must hold. */
	struct issuer_texts audience;
	struct issuer_texts authorized_party; /* azp */
	unsigned algorithms;                  /* JWK_RS256, JWK_ES256 */
	int64_t leeway;                       /* seconds */
	/* The members of the payload that say it; "": none does. */
	char claim_email[ISSUER_CLAIM_SIZE];
	char claim_email_verified[ISSUER_CLAIM_SIZE];
	char claim_name[ISSUER_CLAIM_SIZE];
	char claim_avatar[ISSUER_CLAIM_SIZE];
	bool link_by_email;
};

struct issuers_config {
	struct issuer list[ISSUERS_MAX];
	size_t count;
	char
	    digest[ISSUERS_DIGEST_SIZE]; /* of all that the file says, in hex */
};

/**
 * issuers_config_load(path, why, why_size, config_out):
 * Read the file; with ${path} "" there are none.  ERR_INVALID, with one line in
 * ${why}, for a file that cannot be read, that others may write to, or in which
 * anything is wrong: an unknown name, a bad value, a block twice, a URL that is
 * not https (but on loopback).
 */
enum err issuers_config_load(const char *path, char *why, size_t why_size,
    struct issuers_config **config_out) MUST_CHECK;
void issuers_config_free(struct issuers_config *config);

/* issuers_config_find(config, name): the block, borrowed; NULL if none. */
const struct issuer *issuers_config_find(
    const struct issuers_config *config, const char *name);

#endif
