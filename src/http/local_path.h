/* SPDX-License-Identifier: ISC */
#ifndef HTTP_LOCAL_PATH_H
#define HTTP_LOCAL_PATH_H

#include <stdbool.h>

struct buf;

/*
 * Where to go after signing in.  It comes back out of a URL that anybody may
 * have made, so only a path of this very site counts: isLocalPath() of
 * www/latchkey.js has the same rule, and tests/unit/vectors/local_paths.json
 * what both must say.
 */
#define LOCAL_PATH_MAX 2048

/**
 * local_path_check(text):
 * Is ${text} a path, with or without a query, that no browser takes for
 * another site?  It starts with one slash, not two; no backslash, which
 * browsers take for a slash; no control character, which they may leave out;
 * at most LOCAL_PATH_MAX bytes.
 */
bool local_path_check(const char *text);

/**
 * local_path_put(url, name, path):
 * Append ${path} to the query of ${url} as the parameter ${name},
 * percent-encoded; nothing if it fails local_path_check().
 */
void local_path_put(struct buf *url, const char *name, const char *path);

#endif
