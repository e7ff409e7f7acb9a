/* SPDX-License-Identifier: ISC */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* What others than the owner may do with a file that file_read() accepts. */
enum file_access {
	FILE_PRIVATE =
	    0,         /* nothing; the owner is this process's user or root */
	FILE_READABLE, /* read it; the same owners, or any one for root */
	FILE_ANY       /* anything, under any owner */
};

#define FILE_WHY_SIZE 512

struct file {
	/* Set by the caller. */
	const char *path;
	enum file_access access;
	size_t max; /* bytes */
	/* Set by file_read(). */
	struct buf text; /* the content; buf_clear() wipes it */
	mode_t mode;     /* of the file, for rules beyond ${access} */
	gid_t group;     /* of the file */
	char why[FILE_WHY_SIZE];
};

/**
 * file_read(file):
 * Read the whole of the regular file ${file}->path.  The permissions are those
 * of the descriptor that is read, so replacing the file in between changes
 * nothing.  Return ERR_NOT_FOUND if there is no such file, ERR_UNAVAILABLE if
 * it cannot be opened or read, ERR_INVALID if it is not a regular file,
 * violates ${file}->access or is longer than ${file}->max.  On an error
 * ${file}->text is empty and ${file}->why a message that names the path.
 */
enum err file_read(struct file *file) MUST_CHECK;

/* file_group_is_ours(group): is this process a member of ${group}? */
bool file_group_is_ours(gid_t group);

/**
 * file_folder(dst, path):
 * Write the folder that holds ${path} ("." for a bare name).  Return
 * ERR_INVALID, with errno ENAMETOOLONG, if ${path} is too long.
 */
enum err file_folder(char dst[PATH_MAX], const char *path) MUST_CHECK;

/**
 * file_same(a, b):
 * Return true if both are names of one existing file, or would be: the same
 * name in the same folder.
 */
bool file_same(const char *a, const char *b);

/**
 * file_sync(path), file_sync_folder(path):
 * fsync(2) the file ${path}, or the folder that holds it, so that a new name
 * survives a power cut.  Return false, with errno set, on failure.
 */
bool file_sync(const char *path) MUST_CHECK;
bool file_sync_folder(const char *path) MUST_CHECK;

#endif
