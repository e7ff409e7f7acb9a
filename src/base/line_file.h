/* SPDX-License-Identifier: ISC */
#ifndef BASE_LINE_FILE_H
#define BASE_LINE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define LINE_FILE_LENGTH_MAX 2048
#define LINE_FILE_BYTES_MAX ((size_t)1024 * 1024)

/*
 * A configuration file, read line by line.  It must be a regular file that
 * belongs to this process's user or root (for a process of root: to anyone) and
 * that others cannot write to.
 * line_file_parse_fn receives each line without white space at its ends, and
 * may change it; empty lines, lines that begin with # and a byte order mark at
 * the start (as Windows editors write) are skipped.  It
 * returns NULL, or what is wrong with the line ("must be KEY = value"), which
 * ends the reading.
 */
typedef const char *line_file_parse_fn(void *ctx, char *line);

struct line_file {
	const char *path;
	bool optional; /* a missing file counts as an empty one */
	line_file_parse_fn *parse;
	void *ctx;
	char *why; /* receives the message of an error */
	size_t why_size;
	bool others_may_read; /* set before the first line */
};

/**
 * line_file_read(file):
 * Read ${file}->path.  Return ERR_INVALID if it cannot be read, its permissions
 * are wrong, or a line is wrong; ${file}->why then holds one line that names
 * the file.  The content is wiped from memory.
 */
enum err line_file_read(struct line_file *file) MUST_CHECK;

#endif
