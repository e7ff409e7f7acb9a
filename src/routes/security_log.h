/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_SECURITY_LOG_H
#define ROUTES_SECURITY_LOG_H

#include <stdint.h>

#include "model/event.h"

struct request;
struct app;

/**
 * security_log(app, req, event, user_id):
 * Count ${event} and log it under its fixed name, with the address of ${req}
 * and ${user_id} (0: not known).
 */
void security_log(const struct app *app, const struct request *req,
    enum event event, int64_t user_id);

#endif
