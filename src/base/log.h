/* SPDX-License-Identifier: ISC */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

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
 * whole e-mail address.  Lines above the level are not written; lines beyond
 * 4 KiB are cut.  Never blocks: a line that stderr cannot take at once is lost,
 * and counted by a log_lost line later.  Preserves errno.
 */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* log_set_level(level): set it for the process; the default is info. */
void log_set_level(enum log_level level);

/**
 * log_level_from(name, level_out):
 * Parse "error", "warn", "info" or "debug".  Return ERR_INVALID, with
 * ${level_out} info, for any other ${name}.
 */
enum err log_level_from(const char *name, enum log_level *level_out) MUST_CHECK;

#define LOG_QUOTED_SIZE 256

/**
 * log_quote(dst, text):
 * Write ${text} to ${dst} as a logfmt value: quoted, all but printable ASCII
 * escaped as \xNN, cut to fit; NULL as "".  Return ${dst}.
 */
const char *log_quote(char dst[LOG_QUOTED_SIZE], const char *text);

#endif
