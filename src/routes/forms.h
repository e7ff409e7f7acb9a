/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_FORMS_H
#define ROUTES_FORMS_H

#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

struct app;

/**
 * forms_read(req, res):
 * The body as a form, which request_json() then has the fields of; may be
 * called again.  Otherwise refuse on ${res}; cross_site, unless it comes from a
 * page of ours.
 *
 * forms_answer(sv, req, res, err):
 * The work has ended with ${err}, and perhaps a problem on ${res}: answer with
 * the page to go to, and note ${err} as ->outcome.  Return ${err} where no page
 * can tell it: ERR_INTERNAL, cross_site.
 */
enum err forms_read(struct request *req, struct response *res) MUST_CHECK;
enum err forms_answer(struct app *app, const struct request *req,
    struct response *res, enum err err) MUST_CHECK;

#endif
