/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_FILES_H
#define SUPPORT_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* Whole files, and bytes in them.  What fails fails the test. */

/* files_read(path, all): append all of it to ${all}; buf_clear() that. */
void files_read(const char *path, struct buf *all);

/* files_write(path, data, len): that and nothing else is in it, 0600. */
void files_write(const char *path, const void *data, size_t len);

/* files_copy(from, to): with the same content, 0600. */
void files_copy(const char *from, const char *to);

/* Is that what is in it, byte for byte? */
bool files_hold(const char *path, const struct buf *all);

/* files_put(path, at, data, len): overwrite a part. */
void files_put(const char *path, off_t at, const void *data, size_t len);

/* files_move_database(from, to): it, its -wal and -shm, get other names. */
void files_move_database(const char *from, const char *to);

#endif
