/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_FORMS_H
#define ROUTES_FORMS_H

#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

struct app;

/*
 * Forms for pages without scripts.  The handler of the JSON route does the
 * work; the answer redirects to the requested page, or back to the login page
 * with the code of the problem as fragment, which makes the page show the
 * message of that id.
 *
 * Any site can post a form, so the same-origin rule applies with and without
 * a cookie.
 */

/**
 * forms_read(req, res):
 * Parse the body of ${req} as a form, for request_json() to return; repeatable.
 * Refuse on ${res} a form from another origin with cross_site, and a bad body
 * as request_form() does.
 *
 * forms_answer(app, req, res, err):
 * The handler has ended with ${err}, and perhaps a problem on ${res}: redirect
 * to the next page, and store ${err} in ${res}->outcome.  Return ${err}
 * unchanged if no page can show it: ERR_INTERNAL, cross_site.
 */
enum err forms_read(struct request *req, struct response *res) MUST_CHECK;
enum err forms_answer(struct app *app, const struct request *req,
    struct response *res, enum err err) MUST_CHECK;

#endif
