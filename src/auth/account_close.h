/* SPDX-License-Identifier: ISC */
#ifndef AUTH_ACCOUNT_CLOSE_H
#define AUTH_ACCOUNT_CLOSE_H

#include "auth/login.h"

/**
 * account_close_deactivate(lg, identity, password, address, now):
 * account_close_delete(lg, identity, password, address, now):
 * Deactivate or delete the account of the signed-in user ${identity}, whose
 * password ${password} must be; no session is left.  ERR_DENIED if the
 * password is wrong, ERR_NOT_FOUND if the session ended meanwhile.
 */
enum err account_close_deactivate(struct login *lg,
    const struct identity *identity, const char *password, const char *address,
    int64_t now) MUST_CHECK;
enum err account_close_delete(struct login *lg, const struct identity *identity,
    const char *password, const char *address, int64_t now) MUST_CHECK;

#endif
