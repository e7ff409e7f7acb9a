/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_SECURITY_LOG_H
#define ROUTES_SECURITY_LOG_H

#include <stdint.h>

struct request;
struct app;

/**
 * security_log(sv, req, event, user_id):
 * Log a security event under its fixed name, with who (0: unknown) and from
 * where; log watchers match these lines.  Each is counted, too.
 */
void security_log(const struct app *app, const struct request *req,
    const char *event, int64_t user_id);

#endif
