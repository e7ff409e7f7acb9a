/* SPDX-License-Identifier: ISC */
#include "shm/shm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/shm_file.h"
#include "shm/shm_layout.h"

/* Return true if another process holds a lock on ${byte}. */
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
shm_in_use(const char *state_dir)
{
	char *path = shm_file_path(state_dir);
	int fd = path != NULL ? shm_file_open(path, O_RDONLY) : -1;
	bool used = fd >= 0 && is_locked(fd, SHM_LAYOUT_LOCK_LIFE);

	if (fd >= 0)
		(void)close(fd);
	free(path);
	return used;
}

size_t
shm_views(const struct shm *shm)
{
	size_t n = 0;
	int fd;

	if (shm_reopen(shm, &fd) != ERR_OK)
		return 0;
	for (off_t i = 0; i < COUNTERS_SLOTS; i++)
		n += is_locked(fd, (off_t)SHM_LAYOUT_LOCK_SLOTS + i);
	(void)close(fd);
	return n;
}
