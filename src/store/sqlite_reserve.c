/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"

/*
 * Space reserved so that a logout can be written on a full disk.  A logout
 * takes at most some 10 pages of log, so this suffices for about 100 of them,
 * and then the log can usually be copied back and written again.
 */
#define RESERVE_BYTES (4 * 1024 * 1024)
/* Filling the reserve again must leave space for other writes. */
#define RESERVE_MARGIN_BYTES (1024 * 1024)

/*
 * Judges by length alone, because some file systems count blocks differently; a
 * logout that finds too little space is refused, not lost.
 */
static bool
is_complete(const struct sqlite_store *s)
{
	struct stat file;

	return lstat(s->reserve_path, &file) == 0 && S_ISREG(file.st_mode) &&
	    file.st_size == RESERVE_BYTES;
}

bool
sqlite_has_reserve(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);

	if (is_complete(s))
		return true;
	log_event(LOG_LEVEL_WARN, "store_full",
	    "reason=\"the remaining space is reserved for logouts\"");
	return false;
}

static int
open_reserve(const struct sqlite_store *s, int flags)
{
	return open(s->reserve_path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags,
	    S_IRUSR | S_IWUSR);
}

/* Empty the reserve file; false if it was empty. */
static bool
empty_reserve(struct sqlite_store *s)
{
	struct stat file;
	bool emptied = false;
	int fd = open_reserve(s, 0);

	if (fd < 0)
		return false;
	if (fstat(fd, &file) == 0 && file.st_size > 0)
		emptied = ftruncate(fd, 0) == 0;
	(void)close(fd);
	return emptied;
}

bool
sqlite_release_reserve(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);
	bool all;

	if (!s->full)
		return false;
	if (empty_reserve(s)) {
		log_event(LOG_LEVEL_ERROR, "store_full",
		    "reason=\"released the reserve for a change\"");
		return true;
	}
	/* After being copied back, the log is written again from its start. */
	return sqlite_enter(s) == ERR_OK &&
	    sqlite_checkpoint(s, &all) == ERR_OK && all;
}

void
sqlite_reserve_restore(struct sqlite_store *s)
{
	struct statvfs disk;
	int fd, rc;

	if (is_complete(s))
		return;
	if ((fd = open_reserve(s, O_CREAT)) < 0) {
		log_event(LOG_LEVEL_WARN, "store_ballast", "errno=%d", errno);
		return;
	}
	if (fstatvfs(fd, &disk) != 0 ||
	    disk.f_bavail * disk.f_frsize <
		RESERVE_BYTES + RESERVE_MARGIN_BYTES)
		goto out;
	/* All or nothing: a part of it would only take space. */
	if ((rc = posix_fallocate(fd, 0, RESERVE_BYTES)) != 0) {
		log_event(LOG_LEVEL_WARN, "store_ballast", "errno=%d", rc);
		if (ftruncate(fd, 0) != 0)
			log_event(
			    LOG_LEVEL_WARN, "store_ballast", "errno=%d", errno);
	}
out:
	(void)close(fd);
}
