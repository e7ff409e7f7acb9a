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
 * The other issuers whose tokens are accepted: LATCHKEY_ISSUERS_FILE, with a
 * block for each issuer,
 *
 *	[https://issuer.example]
 *	audience = latchkey
 *	algorithms = ES256
 *
 * The name in brackets is exactly the iss of its tokens.  Empty lines and lines
 * that begin with # or ; are skipped.  docs/ISSUERS.md has all names.
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

/* A block; names that it does not set have their default. */
struct issuer {
	char name[ISSUER_NAME_SIZE];    /* iss */
	char jwks_uri[ISSUER_URL_SIZE]; /* "": use discovery */
	char ca_file[ISSUER_PATH_SIZE]; /* "": the system's */
	/* At least one has elements; each that has some must match. */
	struct issuer_texts audience;
	struct issuer_texts authorized_party; /* azp */
	unsigned algorithms;                  /* JWK_RS256, JWK_ES256 */
	int64_t leeway;                       /* seconds */
	/* Names of the claims that hold the profile; "": none. */
	char claim_email[ISSUER_CLAIM_SIZE];
	char claim_email_verified[ISSUER_CLAIM_SIZE];
	char claim_name[ISSUER_CLAIM_SIZE];
	char claim_avatar[ISSUER_CLAIM_SIZE];
	bool link_by_email;
};

struct issuers_config {
	struct issuer list[ISSUERS_MAX];
	size_t count;
	char digest[ISSUERS_DIGEST_SIZE]; /* of the whole file, in hex */
};

/**
 * issuers_config_load(path, why, why_size, config_out):
 * Read the file; with ${path} "" there are no issuers.  ERR_INVALID, with one
 * line in ${why}, if the file cannot be read, can be written by others, or has
 * an unknown name, an invalid value, a duplicate, or a URL that is neither
 * https nor http on loopback.
 */
enum err issuers_config_load(const char *path, char *why, size_t why_size,
    struct issuers_config **config_out) MUST_CHECK;
void issuers_config_free(struct issuers_config *config);

/* issuers_config_find(config, name): the block, borrowed, or NULL. */
const struct issuer *issuers_config_find(
    const struct issuers_config *config, const char *name);

#endif
