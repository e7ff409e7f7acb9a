/* SPDX-License-Identifier: ISC */
#ifndef AUTH_CLIENTS_H
#define AUTH_CLIENTS_H

#include <stddef.h>

#include "base/err.h"

#define CLIENTS_ID_SIZE 65
#define CLIENTS_SECRET_SIZE 257

/*
 * Confidential clients (RFC 6749 section 2.1): other servers of the site,
 * which may ask about tokens and revoke them.  The file has one line for each,
 *
 *	ID HASH
 *
 * where HASH is the BLAKE2b-256 of the secret in hex, as "b2sum -l 256" prints
 * it.  Secrets are to be made by a machine, with 128 bits of chance and more:
 * then a plain hash tells nothing of them.  Lines that are empty or begin with
 * # do not count.
 */
struct clients;

/* What a client says it is; wiped by its owner. */
struct clients_claim {
	char id[CLIENTS_ID_SIZE];
	char secret[CLIENTS_SECRET_SIZE];
};

/**
 * clients_load(path, why, why_size, clients_out):
 * Read the file; with ${path} "" there are none.  ERR_INVALID, with one line in
 * ${why}, for a file that cannot be read, that others may write to, or that has
 * a line which is none.
 */
enum err clients_load(const char *path, char *why, size_t why_size,
    struct clients **clients_out) MUST_CHECK;
void clients_free(struct clients *c);

/**
 * clients_check(c, claim):
 * ERR_OK iff there is such a client with such a secret; ERR_DENIED otherwise,
 * after the same time.
 */
enum err clients_check(
    const struct clients *c, const struct clients_claim *claim) MUST_CHECK;

/**
 * clients_basic(header, claim_out):
 * What ${header}, the value of an Authorization header, claims (RFC 7617).
 * ERR_NOT_FOUND if it is of another scheme than Basic, ERR_INVALID if it is
 * malformed or too long.  Ids and secrets of unreserved characters, which is
 * what machines make, need none of the encoding that RFC 6749 section 2.3.1
 * puts around others.
 */
enum err clients_basic(
    const char *header, struct clients_claim *claim_out) MUST_CHECK;

#endif
