/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_ISSUER_KEY_ROWS_H
#define TESTS_SUPPORT_ISSUER_KEY_ROWS_H

#include <stdint.h>

/* The key sets of other issuers in the store of a running site. */

/**
 * issuer_key_rows_age(database, seconds):
 * Move all times of all rows ${seconds} into the past.
 */
void issuer_key_rows_age(const char *database, int64_t seconds);

/* issuer_key_rows_wake(database): wake the JWKS refresher, with no request. */
void issuer_key_rows_wake(const char *database);

#endif
