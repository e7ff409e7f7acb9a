/* SPDX-License-Identifier: ISC */
#ifndef AUTH_LINES_H
#define AUTH_LINES_H

#include <stddef.h>

#include "base/err.h"

#define LINES_LENGTH_MAX 2048

/*
 * A file, line by line, that says who may do what.  ${take} is handed each line
 * without white space at its ends, to be cut to pieces if it likes, and says
 * what is wrong with it ("has no ..."), or NULL.  Lines that are empty or begin
 * with # do not count.
 */
typedef const char *lines_take_fn(void *ctx, char *line);

struct lines {
	const char *path;
	lines_take_fn *take;
	void *ctx;
	char *why;
	size_t why_size;
};

/**
 * lines_read(lines):
 * ERR_INVALID, with one line in ${lines}->why, if the file cannot be read, may
 * be written by others, or has a line with which something is wrong.
 */
enum err lines_read(const struct lines *lines) MUST_CHECK;

#endif
