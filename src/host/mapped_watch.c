/* SPDX-License-Identifier: ISC */
#include "host/mapped.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/layout.h"
#include "host/mapped_file.h"

/* Would the lock be refused?  Nothing is locked by asking. */
static bool
is_locked(int fd, off_t byte)
{
	struct flock fl = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1 };

	return fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

bool
mapped_in_use(const char *database)
{
	char *absolute, *path;
	bool used = false;
	int fd;

	if (!mapped_file_names(database, &absolute, &path))
		return false;
	fd = mapped_file_open(path, O_RDONLY);
	if (fd >= 0) {
		used = is_locked(fd, LAYOUT_LOCK_LIFE);
		(void)close(fd);
	}
	free(absolute);
	free(path);
	return used;
}

size_t
mapped_views(const struct mapped *m)
{
	size_t n = 0;
	int fd;

	if (mapped_open_again(m, &fd) != ERR_OK)
		return 0;
	for (off_t i = 0; i < STATS_SLOTS; i++)
		n += is_locked(fd, (off_t)LAYOUT_LOCK_SLOTS + i);
	(void)close(fd);
	return n;
}
