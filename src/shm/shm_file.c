/* SPDX-License-Identifier: ISC */
#include "shm/shm_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define MODE (S_IRUSR | S_IWUSR)

void
shm_file_complain(const char *path, const char *step, int error)
{
	char name[LOG_QUOTED_SIZE], reason[LOG_QUOTED_SIZE];

	log_event(LOG_LEVEL_ERROR, "table_unavailable",
	    "path=%s step=%s reason=%s", log_quote(name, path), step,
	    log_quote(reason, strerror(error)));
}

/* realpath(3) of a name whose last part does not exist yet. */
static char *
real_new(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *last = slash != NULL ? slash + 1 : name;
	char *folder, *full = NULL, *path = NULL;
	struct stat st;

	/* A link to nowhere would become a database somewhere else. */
	errno = EINVAL;
	if (*last == '\0' || lstat(name, &st) == 0)
		return NULL;
	folder = slash == NULL ? strdup(".")
			       : strndup(name, (size_t)(slash - name) + 1);
	if (folder != NULL)
		full = realpath(folder, NULL);
	if (full != NULL && asprintf(&path, "%s/%s", full, last) < 0)
		path = NULL;
	free(folder);
	free(full);
	return path;
}

bool
shm_file_names(const char *database, char **database_out, char **table_out)
{
	*table_out = NULL;
	*database_out = realpath(database, NULL);
	if (*database_out == NULL && errno == ENOENT)
		*database_out = real_new(database);
	if (*database_out == NULL)
		return false;
	if (asprintf(table_out, "%s-table", *database_out) >= 0)
		return true;
	free(*database_out);
	*database_out = *table_out = NULL;
	errno = ENOMEM;
	return false;
}

int
shm_file_open(const char *path, int flags)
{
	int fd, high, error;

	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, MODE);
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	/*
	 * Where standard error was closed, the next log line would be written
	 * over the first bytes of the file.
	 */
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	error = errno;
	(void)close(fd);
	errno = error;
	return high;
}

/*
 * When root comes first (the command line), the file is handed over to the
 * owner of the database, or the workers could not get at it.
 */
static bool
is_owner_right(int fd, uid_t owner, const char *database)
{
	struct stat db;

	if (stat(database, &db) != 0)
		return owner == geteuid();
	if (owner == db.st_uid)
		return true;
	if (owner != geteuid())
		return false;
	return geteuid() != 0 || fchown(fd, db.st_uid, db.st_gid) == 0;
}

bool
shm_file_is_ours(const char *path, int fd, const char *database)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		shm_file_complain(path, "stat", errno);
	else if (!S_ISREG(st.st_mode))
		shm_file_complain(path, "type", EINVAL);
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		shm_file_complain(path, "mode", EPERM);
	else if (!is_owner_right(fd, st.st_uid, database))
		shm_file_complain(path, "owner", EPERM);
	else
		return true;
	return false;
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
 * Allocated, never sparse: a store through the mapping that finds the disk
 * full is a SIGBUS, an allocation that does is an error to answer with.
 * Nothing is written (64 MiB would be half the time of a start): what lay
 * there is cut off first, magic and all, and what is allocated reads as zero.
 */
bool
shm_file_allocate(const char *path, int fd, size_t size)
{
	int error;

	if (fchmod(fd, MODE) != 0 || ftruncate(fd, 0) != 0 ||
	    ftruncate(fd, (off_t)size) != 0) {
		shm_file_complain(path, "resize", errno);
		return false;
	}
	do {
		error = posix_fallocate(fd, 0, (off_t)size);
	} while (error == EINTR);
	if (error != 0)
		shm_file_complain(path, "allocate", error);
	return error == 0;
}
