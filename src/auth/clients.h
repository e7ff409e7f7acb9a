/* SPDX-License-Identifier: ISC */
#ifndef AUTH_CLIENTS_H
#define AUTH_CLIENTS_H

#include <stddef.h>

#include "base/err.h"

#define CLIENTS_ID_SIZE 65
#define CLIENTS_SECRET_SIZE 257

/*
 * Confidential clients (RFC 6749 section 2.1): other servers of the site, which
 * may introspect and revoke tokens.  The file has one line for each,
 *
 *	ID HASH
 *
 * where HASH is the BLAKE2b-256 of the secret in hex, as "b2sum -l 256" prints
 * it.  Secrets must be random with at least 128 bits, so that a plain hash does
 * not reveal them.  Empty lines and lines that begin with # are skipped.
 */
struct clients;

/* The credentials a client sent; the owner wipes them. */
struct clients_claim {
	char id[CLIENTS_ID_SIZE];
	char secret[CLIENTS_SECRET_SIZE];
};

/**
 * clients_load(path, why, why_size, clients_out):
 * Read the file; with ${path} "" there are no clients.  ERR_INVALID, with one
 * line in ${why}, if the file cannot be read, can be written by others, or has
 * an invalid line.
 */
enum err clients_load(const char *path, char *why, size_t why_size,
    struct clients **clients_out) MUST_CHECK;
void clients_free(struct clients *c);

/**
 * clients_check(c, claim):
 * Return ERR_OK if the client exists and the secret is right, otherwise, after
 * the same time, ERR_DENIED.
 */
enum err clients_check(
    const struct clients *c, const struct clients_claim *claim) MUST_CHECK;

/**
 * clients_basic(header, claim_out):
 * Parse ${header}, the value of an Authorization header (RFC 7617).
 * ERR_NOT_FOUND if it is NULL or its scheme is not Basic, ERR_INVALID if it is
 * malformed or too long.
 *
 * clients_form_decode(claim, decoded_out):
 * Undo the encoding of RFC 6749 section 2.3.1, which some clients apply to both
 * before they form the header and others do not.  ERR_INVALID if ${claim} is
 * not so encoded.
 */
enum err clients_basic(
    const char *header, struct clients_claim *claim_out) MUST_CHECK;
enum err clients_form_decode(const struct clients_claim *claim,
    struct clients_claim *decoded_out) MUST_CHECK;

#endif
