/* SPDX-License-Identifier: ISC */
#include "shm/shm_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "shm/shm.h"

#define MODE (S_IRUSR | S_IWUSR)

void
shm_file_log(const char *path, const char *step, int error)
{
	char name[LOG_QUOTED_SIZE], reason[LOG_QUOTED_SIZE];

	log_event(LOG_LEVEL_ERROR, "shm_unavailable",
	    "path=%s step=%s reason=%s", log_quote(name, path), step,
	    log_quote(reason, strerror(error)));
}

char *
shm_file_path(const char *state_dir)
{
	char *folder = realpath(state_dir, NULL), *path = NULL;

	if (folder != NULL &&
	    asprintf(&path, "%s/" SHM_FILE_NAME, folder) < 0) {
		path = NULL;
		errno = ENOMEM;
	}
	free(folder);
	return path;
}

int
shm_file_open(const char *path, int flags)
{
	int fd, high, error;

	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, MODE);
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	/*
	 * If standard error was closed, the next log line would overwrite the
	 * first bytes of the file.
	 */
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	error = errno;
	(void)close(fd);
	errno = error;
	return high;
}

/*
 * A file that root creates (the command line) is given to the owner of the
 * folder, because the workers could not open it otherwise.
 */
static bool
has_right_owner(const char *path, int fd, uid_t owner)
{
	char folder[PATH_MAX];
	struct stat st;

	if (owner == geteuid() && owner != 0)
		return true;
	if (geteuid() != 0 || file_folder(folder, path) != ERR_OK ||
	    stat(folder, &st) != 0)
		return false;
	return owner == st.st_uid ||
	    (owner == 0 && fchown(fd, st.st_uid, st.st_gid) == 0);
}

bool
shm_file_is_ours(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		shm_file_log(path, "stat", errno);
	else if (!S_ISREG(st.st_mode))
		shm_file_log(path, "type", EINVAL);
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		shm_file_log(path, "mode", EPERM);
	else if (!has_right_owner(path, fd, st.st_uid))
		shm_file_log(path, "owner", EPERM);
	else
		return true;
	return false;
}

bool
shm_file_is_on_disk(const char *path, dev_t dev, ino_t ino)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

int
shm_file_lock(int fd, short type, off_t byte)
{
	struct flock fl = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &fl) == 0 ? 0 : errno;
}

bool
shm_file_is_held(int error)
{
	return error == EAGAIN || error == EACCES;
}

/*
 * The file is never sparse: on a full disk a write through the mapping raises
 * SIGBUS, whereas an allocation fails and the start reports it.  No zeros are
 * written (64 MiB would take half the time of a start): truncation removes the
 * old contents, magic included, and allocated blocks read as zero.
 */
bool
shm_file_allocate(const char *path, int fd, size_t size)
{
	int error;

	if (fchmod(fd, MODE) != 0 || ftruncate(fd, 0) != 0 ||
	    ftruncate(fd, (off_t)size) != 0) {
		shm_file_log(path, "resize", errno);
		return false;
	}
	do {
		error = posix_fallocate(fd, 0, (off_t)size);
	} while (error == EINTR);
	if (error != 0)
		shm_file_log(path, "allocate", error);
	return error == 0;
}
