/* SPDX-License-Identifier: ISC */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/**
 * log_event(level, event, fmt, ...):
 * Write one logfmt line to stderr in one write(2):
 * "time=... level=... event=${event} pid=..." and then ${fmt}, which holds
 * further key=value pairs; values with spaces, quotes or control characters
 * must come through log_quote().  Never pass a token, session id, password or
 * whole email address.  Lines above the level of LATCHKEY_LOG_LEVEL (error,
 * warn, info, debug; info by default) are not written.
 */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define LOG_QUOTED_SIZE 256

/**
 * log_quote(dst, text):
 * Write ${text} to ${dst} as a logfmt value: quoted, escaped, cut to fit.
 * Return ${dst}.
 */
const char *log_quote(char dst[LOG_QUOTED_SIZE], const char *text);

#endif
