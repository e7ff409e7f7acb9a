/* SPDX-License-Identifier: ISC */
#include "shm/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/siphash.h"
#include "base/testpoint.h"
#include "shm/shm_file.h"
#include "shm/shm_internal.h"
#include "shm/shm_layout.h"

/*
 * Two pools that hold a store open at once must have one shared memory, or a
 * logout in one would not reach the other.  The lock file beside the store
 * holds the shm_id of the processes that use it: each of them keeps a shared
 * lock, and the first one, which can lock it exclusively, writes the id.  A
 * process with another id is refused, by whatever path or mount it reached the
 * store.
 *
 * The refusal waits for 2 s, because workers whose shared memory file was
 * replaced notice that, and release their claim, within a second.
 */
#define CLAIM_WAIT_US (2 * 1000 * 1000)
#define CLAIM_POLL_NS (2 * 1000 * 1000)
#define CLAIM_BYTE 0

static enum err
refuse(const char *event, const char *path, const char *reason)
{
	char quoted[LOG_QUOTED_SIZE];

	log_event(LOG_LEVEL_ERROR, event, "path=%s reason=\"%s\"",
	    log_quote(quoted, path), reason);
	return ERR_INVALID;
}

/* One shared memory serves one store: in two a key names different rows. */
static enum err
claim_shm(struct shm *shm, const char *path)
{
	struct shm_layout *lo = shm->layout;
	uint64_t store =
	    siphash_bytes(lo->hash_key, path, strlen(path)) | 1; /* not 0 */
	uint64_t none = 0;

	if (atomic_compare_exchange_strong(&lo->store, &none, store) ||
	    none == store)
		return ERR_OK;
	return refuse("state_dir_in_use", shm->path,
	    "serves another database; give each site a LATCHKEY_STATE_DIR of "
	    "its own");
}

/* ERR_BUSY: processes with another shm_id hold it, or just released it. */
static enum err
lock_claim(const struct shm *shm, int fd)
{
	unsigned char id[SHM_ID_BYTES] = { 0 };

	if (shm_file_lock(fd, F_WRLCK, CLAIM_BYTE) == 0) {
		if (pwrite(fd, shm_id(shm), sizeof(id), 0) !=
		    (ssize_t)sizeof(id))
			return ERR_UNAVAILABLE;
		TESTPOINT("claim:written");
	}
	if (shm_file_lock(fd, F_RDLCK, CLAIM_BYTE) != 0)
		return ERR_BUSY;
	if (pread(fd, id, sizeof(id), 0) == (ssize_t)sizeof(id) &&
	    memcmp(id, shm_id(shm), sizeof(id)) == 0)
		return ERR_OK;
	return shm_file_lock(fd, F_UNLCK, CLAIM_BYTE) == 0 ? ERR_BUSY
							   : ERR_UNAVAILABLE;
}

static enum err
open_claim(struct shm *shm, const char *path)
{
	static const struct timespec pause = { .tv_nsec = CLAIM_POLL_NS };
	int64_t deadline = clock_system.mono_us() + CLAIM_WAIT_US;
	int fd = shm_file_open(path, O_RDWR | O_CREAT);
	enum err err = ERR_UNAVAILABLE;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		shm_file_log(path, "open", errno);
		goto out;
	}
	if (!shm_file_is_ours(path, fd))
		goto out;
	while ((err = lock_claim(shm, fd)) == ERR_BUSY &&
	    clock_system.mono_us() < deadline)
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	if (err == ERR_BUSY)
		err = refuse("database_in_use", path,
		    "in use with another LATCHKEY_STATE_DIR; all processes of "
		    "a database need the same");
	/* Deleted meanwhile: the next attempt creates a new one. */
	if (err == ERR_OK && !shm_file_is_on_disk(path, st.st_dev, st.st_ino))
		err = ERR_UNAVAILABLE;
	if (err != ERR_OK)
		goto out;
	shm->claim_dev = st.st_dev;
	shm->claim_ino = st.st_ino;
	atomic_store(&shm->claim_fd, fd);
	fd = -1;
out:
	if (fd >= 0)
		(void)close(fd);
	return err;
}

enum err
shm_claim(struct shm *shm, const char *path)
{
	enum err err;

	if (shm->claim_path == NULL && (shm->claim_path = strdup(path)) == NULL)
		return ERR_INTERNAL;
	if (strcmp(shm->claim_path, path) != 0)
		return refuse(
		    "state_dir_in_use", path, "this process has another one");
	if (atomic_load(&shm->claim_fd) >= 0)
		return ERR_OK;
	err = open_claim(shm, path);
	if (err == ERR_OK && (err = claim_shm(shm, path)) != ERR_OK)
		shm_release_claim(shm);
	return err;
}

void
shm_release_claim(struct shm *shm)
{
	int fd = atomic_exchange(&shm->claim_fd, -1);

	if (fd >= 0)
		(void)close(fd);
}

bool
shm_has_claim(const struct shm *shm)
{
	return atomic_load(&shm->claim_fd) < 0 ||
	    shm_file_is_on_disk(
		shm->claim_path, shm->claim_dev, shm->claim_ino);
}

enum err
shm_remove_old(const char *path)
{
	enum err err = ERR_UNAVAILABLE;
	struct stat st;
	int fd, error;

	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return ERR_OK; /* not an old shared memory file */
	fd = shm_file_open(path, O_RDWR);
	if (fd < 0) {
		shm_file_log(path, "open", errno);
		return errno == ENOENT ? ERR_OK : err;
	}
	/* These two bytes have the same meaning in every version. */
	error = shm_file_lock(fd, F_WRLCK, SHM_LAYOUT_LOCK_OPENING);
	if (error == 0)
		error = shm_file_lock(fd, F_WRLCK, SHM_LAYOUT_LOCK_LIFE);
	if (shm_file_is_held(error))
		err = refuse("shm_version_mismatch", path,
		    "in use by another version of the program; stop that "
		    "first");
	else if (error != 0)
		shm_file_log(path, "lock", error);
	else if (unlink(path) != 0)
		shm_file_log(path, "remove", errno);
	else
		err = ERR_OK;
	(void)close(fd);
	return err;
}
