/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_WEB_LOG_H
#define SUPPORT_WEB_LOG_H

struct web_call;
struct web_reply;

/**
 * web_log(call, reply):
 * Append what was asked and answered, a line of JSON, to the file that the
 * environment variable WEB_LOG names, if there is one.  tests/openapi/hold
 * reads it.
 */
void web_log(const struct web_call *call, const struct web_reply *reply);

#endif
