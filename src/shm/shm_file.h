/* SPDX-License-Identifier: ISC */
#ifndef SHM_SHM_FILE_H
#define SHM_SHM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The files of shm/shm before they are mapped: paths, permissions, locks and
 * disk space.  Only shm/ includes this.
 */

/**
 * shm_file_path(state_dir):
 * Return the real path of the shared memory file in the folder ${state_dir},
 * without symbolic links.  The caller frees it.  NULL, errno set, if there is
 * no such folder.
 */
char *shm_file_path(const char *state_dir);

/**
 * shm_file_open(path, flags):
 * open(2) with ${flags} and mode 0600, not following a symbolic link, closed
 * on exec, never on descriptor 0, 1 or 2.
 */
int shm_file_open(const char *path, int flags);

/**
 * shm_file_is_ours(path, fd):
 * Return true if ${fd}, opened as ${path}, is a regular file that only its
 * owner can open, and the owner is this process's user or, for root, that of
 * the folder.  Logs the reason if not.
 */
bool shm_file_is_ours(const char *path, int fd);

/* shm_file_is_on_disk(path, dev, ino): true if ${path} is still that file. */
bool shm_file_is_on_disk(const char *path, dev_t dev, ino_t ino);

/**
 * shm_file_lock(fd, type, byte):
 * Set the open-file-description lock ${type} (F_RDLCK, F_WRLCK, F_UNLCK) on
 * ${byte}, without waiting.  Return 0 or an errno.
 * shm_file_is_held(error): true if ${error} means that another process holds
 * it.
 */
int shm_file_lock(int fd, short type, off_t byte);
bool shm_file_is_held(int error);

/**
 * shm_file_allocate(path, fd, size):
 * Make the file ${size} zero bytes, all allocated on the disk.  Logs the reason
 * if that fails.
 */
bool shm_file_allocate(const char *path, int fd, size_t size);

/* shm_file_log(path, step, error): log that ${step} failed with ${error}. */
void shm_file_log(const char *path, const char *step, int error);

#endif
