/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"

/*
 * Room that is kept so that on a full disk a logout can still be written.  One
 * takes at most some 10 pages of log, so this is good for about 100 of them,
 * and then the log can usually be copied back and written again.
 */
#define RESERVE_BYTES (4 * 1024 * 1024)
/* Putting it back must not take the last room from those who write. */
#define RESERVE_MARGIN_BYTES (1024 * 1024)

/*
 * By its length alone: some file systems do not count blocks as one would
 * think, and a logout that finds too little is refused, not lost.
 */
static bool
is_whole(const struct sqlite_store *s)
{
	struct stat ballast;

	return lstat(s->ballast_path, &ballast) == 0 &&
	    S_ISREG(ballast.st_mode) && ballast.st_size == RESERVE_BYTES;
}

bool
sqlite_has_reserve(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);

	if (is_whole(s))
		return true;
	log_event(LOG_LEVEL_WARN, "store_full",
	    "reason=\"what room is left is kept for logouts\"");
	return false;
}

static int
open_reserve(const struct sqlite_store *s, int flags)
{
	return open(s->ballast_path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags,
	    S_IRUSR | S_IWUSR);
}

/* Give the ballast up; false if there was none. */
static bool
give_up(struct sqlite_store *s)
{
	struct stat ballast;
	bool given = false;
	int fd = open_reserve(s, 0);

	if (fd < 0)
		return false;
	if (fstat(fd, &ballast) == 0 && ballast.st_size > 0)
		given = ftruncate(fd, 0) == 0;
	(void)close(fd);
	return given;
}

bool
sqlite_release_reserve(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);
	bool all;

	if (!s->full)
		return false;
	if (give_up(s)) {
		log_event(LOG_LEVEL_ERROR, "store_full",
		    "reason=\"gave up the ballast file for a change\"");
		return true;
	}
	/* A log that is copied back is written again from its start. */
	return sqlite_enter(s) == ERR_OK &&
	    sqlite_checkpoint(s, &all) == ERR_OK && all;
}

void
sqlite_reserve_restore(struct sqlite_store *s)
{
	struct statvfs disk;
	int fd, rc;

	if (is_whole(s))
		return;
	if ((fd = open_reserve(s, O_CREAT)) < 0) {
		log_event(LOG_LEVEL_WARN, "store_ballast", "errno=%d", errno);
		return;
	}
	if (fstatvfs(fd, &disk) != 0 ||
	    disk.f_bavail * disk.f_frsize <
		RESERVE_BYTES + RESERVE_MARGIN_BYTES)
		goto out;
	/* A part of it would take room and be worth nothing. */
	if ((rc = posix_fallocate(fd, 0, RESERVE_BYTES)) != 0) {
		log_event(LOG_LEVEL_WARN, "store_ballast", "errno=%d", rc);
		if (ftruncate(fd, 0) != 0)
			log_event(
			    LOG_LEVEL_WARN, "store_ballast", "errno=%d", errno);
	}
out:
	(void)close(fd);
}
