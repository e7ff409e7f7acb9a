/* SPDX-License-Identifier: ISC */
#ifndef SHM_SHM_FILE_H
#define SHM_SHM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The file below host/mapped, before it is mapped: where it lies, who may
 * have it, its locks and its room on the disk.  Only host/ includes this.
 */

/**
 * shm_file_names(database, database_out, table_out):
 * Find the absolute names of the database and of its table.  Two ways to one
 * database (a symbolic link, another working directory) give the same names;
 * it need not exist yet.  Return false, both NULL, errno set, if there can be
 * none.  The caller frees both.
 */
bool shm_file_names(
    const char *database, char **database_out, char **table_out);

/**
 * shm_file_open(path, flags):
 * open(2) with ${flags} and mode 0600, not following a symbolic link, closed
 * on exec, never on descriptor 0, 1 or 2.
 */
int shm_file_open(const char *path, int flags);

/**
 * shm_file_is_ours(path, fd, database):
 * Return true if ${fd} is a plain file that only its owner can get at, and
 * that is the owner of ${database}, or we if there is no such file yet.  Says
 * in the log why not.
 */
bool shm_file_is_ours(const char *path, int fd, const char *database);

/**
 * shm_file_lock(fd, type, byte):
 * Ask for the open-file-description lock ${type} (F_RDLCK, F_WRLCK, F_UNLCK)
 * on one byte, without waiting.  Return 0 or an errno; shm_file_is_held()
 * tells the one that means that others hold it.
 */
int shm_file_lock(int fd, short type, off_t byte);
bool shm_file_is_held(int error);

/**
 * shm_file_allocate(path, fd, size):
 * Make the file ${size} zero bytes, each of them with its place on the disk.
 * Says in the log why not.
 */
bool shm_file_allocate(const char *path, int fd, size_t size);

/* shm_file_complain(path, step, error): one log line. */
void shm_file_complain(const char *path, const char *step, int error);

#endif
