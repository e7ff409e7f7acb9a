/* SPDX-License-Identifier: ISC */
#ifndef BASE_LINE_FILE_H
#define BASE_LINE_FILE_H

#include <stddef.h>

#include "base/err.h"

#define LINE_FILE_LENGTH_MAX 2048

/*
 * A file, line by line, that says who may do what.  ${take} is handed each line
 * without white space at its ends, to be cut to pieces if it likes, and says
 * what is wrong with it ("has no ..."), or NULL.  Lines that are empty or begin
 * with # do not count.
 */
typedef const char *line_file_take_fn(void *ctx, char *line);

struct line_file {
	const char *path;
	line_file_take_fn *take;
	void *ctx;
	char *why;
	size_t why_size;
};

/**
 * line_file_read(lines):
 * ERR_INVALID, with one line in ${lines}->why, if the file cannot be read, may
 * be written by others, or has a line with which something is wrong.
 */
enum err line_file_read(const struct line_file *lines) MUST_CHECK;

#endif
