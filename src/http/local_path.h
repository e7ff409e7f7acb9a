/* SPDX-License-Identifier: ISC */
#ifndef HTTP_LOCAL_PATH_H
#define HTTP_LOCAL_PATH_H

#include <stdbool.h>

struct buf;

/*
 * The page to open after signing in.  An attacker can choose it in a link, so
 * only a path of this site is accepted.  isLocalPath() of www/latchkey.js has
 * the same rule; tests/unit/vectors/local_paths.json tests both.
 */
#define LOCAL_PATH_MAX 2048

/**
 * local_path_check(text):
 * Return true if ${text} is a path, with or without a query, that no browser
 * resolves to another site: it starts with one slash, not two, and contains no
 * backslash, which browsers treat as a slash, and no control character, which
 * they may omit; at most LOCAL_PATH_MAX bytes.
 */
bool local_path_check(const char *text);

/**
 * local_path_put(url, name, path):
 * Append ${path} to the query of ${url} as the parameter ${name},
 * percent-encoded; nothing if it fails local_path_check().
 */
void local_path_put(struct buf *url, const char *name, const char *path);

#endif
