/* SPDX-License-Identifier: ISC */
#include "shm/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/testpoint.h"
#include "shm/mutex.h"
#include "shm/shm_file.h"
#include "shm/shm_internal.h"
#include "shm/shm_layout.h"

/*
 * A process that opens the file holds the OPENING byte exclusively until the
 * file is ready or the attempt has failed.  So every other process that holds
 * LIFE has completed its opening.  If LIFE can be locked exclusively, no
 * process uses the file, and it is reset whatever it holds (after a power cut
 * its generations may be older than the database); if not, it is ready.  A
 * process that dies during the reset loses both locks, and the next one resets
 * the file. With LIFE alone, two waiting processes would each take the other's
 * lock for proof that the file is ready.
 */
#define OPEN_WAIT_US (2 * 1000 * 1000)
#define OPEN_POLL_NS (2 * 1000 * 1000)

#define REGION_UNIT ((size_t)1 << 20)

/* AGAIN: the file or a lock changed meanwhile. */
enum attempt { ATTEMPT_FAILED, ATTEMPT_AGAIN, ATTEMPT_DONE };

static bool
map(struct shm *shm)
{
	void *p = mmap(
	    NULL, shm->size, PROT_READ | PROT_WRITE, MAP_SHARED, shm->fd, 0);

	if (p == MAP_FAILED) {
		shm_file_log(shm->path, "map", errno);
		return false;
	}
	shm->layout = p;
	return true;
}

/* Initialize the file.  The caller holds LIFE exclusively. */
static bool
reset(struct shm *shm, int memory_cache_mb)
{
	struct shm_layout *lo;
	int error;

	TESTPOINT("shm:first");
	shm->size = SHM_LAYOUT_REGION + (size_t)memory_cache_mb * REGION_UNIT;
	if (!shm_file_allocate(shm->path, shm->fd, shm->size) || !map(shm))
		return false;
	TESTPOINT("shm:zeroed");
	lo = shm->layout;
	lo->version = SHM_LAYOUT_VERSION;
	lo->size = shm->size;
	atomic_store(&lo->counters.since, clock_system.wall());
	random_fill(lo->shm_id, sizeof(lo->shm_id));
	random_fill(lo->hash_key, sizeof(lo->hash_key));
	error = mutex_make(&lo->write_mutex);
	for (size_t i = 0; error == 0 && i < SHM_LAYOUT_LIMIT_LOCKS; i++)
		error = mutex_make(&lo->limits.mutex[i]);
	if (error != 0) {
		shm_file_log(shm->path, "mutex", error);
		return false;
	}
	TESTPOINT("shm:filled");
	atomic_store_explicit(
	    &lo->magic, SHM_LAYOUT_MAGIC, memory_order_release);
	TESTPOINT("shm:ready");
	return true;
}

/* The region is one or more whole units. */
static bool
is_size(uint64_t size)
{
	return size > SHM_LAYOUT_REGION &&
	    (size - SHM_LAYOUT_REGION) % REGION_UNIT == 0 &&
	    (size - SHM_LAYOUT_REGION) / REGION_UNIT <= SHM_MEMORY_CACHE_MB_MAX;
}

/* Map the file of other processes, which hold LIFE, if the version matches. */
static enum err
join(struct shm *shm)
{
	struct {
		uint64_t magic;
		uint32_t version;
		uint32_t in_flight_count;
		uint64_t size;
	} head = { 0 };
	struct stat st;
	ssize_t n;

	_Static_assert(offsetof(struct shm_layout, version) == 8 &&
		offsetof(struct shm_layout, size) == 16,
	    "every version begins like this");

	n = pread(shm->fd, &head, sizeof(head), 0);
	if (n < 0 || fstat(shm->fd, &st) != 0) {
		shm_file_log(shm->path, "read", errno);
		return ERR_UNAVAILABLE;
	}
	if (n != (ssize_t)sizeof(head) || head.magic != SHM_LAYOUT_MAGIC ||
	    head.version != SHM_LAYOUT_VERSION || !is_size(head.size) ||
	    st.st_size != (off_t)head.size) {
		char path[LOG_QUOTED_SIZE];

		log_event(LOG_LEVEL_ERROR, "shm_version_mismatch",
		    "path=%s version=%u reason=\"in use by another version of "
		    "the program; stop that first\"",
		    log_quote(path, shm->path), (unsigned int)head.version);
		return ERR_INVALID;
	}
	shm->size = (size_t)head.size;
	return map(shm) ? ERR_OK : ERR_UNAVAILABLE;
}

/* ATTEMPT_AGAIN if another process holds the lock. */
static enum attempt
not_locked(const struct shm *shm, int error)
{
	if (shm_file_is_held(error))
		return ATTEMPT_AGAIN;
	shm_file_log(shm->path, "lock", error);
	return ATTEMPT_FAILED;
}

/* The caller holds OPENING: lock LIFE, then reset the file or join. */
static enum attempt
enter(struct shm *shm, int memory_cache_mb, enum err *err_out)
{
	int error = shm_file_lock(shm->fd, F_WRLCK, SHM_LAYOUT_LOCK_LIFE);

	if (error == 0) {
		if (!reset(shm, memory_cache_mb))
			return ATTEMPT_FAILED;
		/* The downgrade of the lock is atomic. */
		error = shm_file_lock(shm->fd, F_RDLCK, SHM_LAYOUT_LOCK_LIFE);
		if (error != 0)
			return not_locked(shm, error);
	} else if (shm_file_is_held(error)) {
		TESTPOINT("shm:others");
		error = shm_file_lock(shm->fd, F_RDLCK, SHM_LAYOUT_LOCK_LIFE);
		if (error != 0)
			return not_locked(shm, error);
		*err_out = join(shm);
		if (*err_out != ERR_OK)
			return ATTEMPT_FAILED;
	} else {
		return not_locked(shm, error);
	}
	TESTPOINT("shm:entered");
	error = shm_file_lock(shm->fd, F_UNLCK, SHM_LAYOUT_LOCK_OPENING);
	if (error != 0)
		return not_locked(shm, error);
	*err_out = ERR_OK;
	return ATTEMPT_DONE;
}

static void
close_file(struct shm *shm)
{
	/* Unmap first: without the lock another process may truncate it. */
	if (shm->layout != NULL)
		(void)munmap(shm->layout, shm->size);
	if (shm->fd >= 0)
		(void)close(shm->fd);
	shm->layout = NULL;
	shm->fd = -1;
}

/* *err_out is set unless ATTEMPT_AGAIN is returned. */
static enum attempt
attempt(struct shm *shm, int memory_cache_mb, enum err *err_out)
{
	struct stat st;
	int error;

	*err_out = ERR_UNAVAILABLE;
	shm->fd = shm_file_open(shm->path, O_RDWR | O_CREAT);
	if (shm->fd < 0 || fstat(shm->fd, &st) != 0) {
		shm_file_log(shm->path, "open", errno);
		return ATTEMPT_FAILED;
	}
	TESTPOINT("shm:opened");
	shm->dev = st.st_dev;
	shm->ino = st.st_ino;
	if (!shm_file_is_ours(shm->path, shm->fd))
		return ATTEMPT_FAILED;
	error = shm_file_lock(shm->fd, F_WRLCK, SHM_LAYOUT_LOCK_OPENING);
	if (error != 0)
		return not_locked(shm, error);
	/* It may have been replaced before it was locked. */
	if (!shm_file_is_on_disk(shm->path, shm->dev, shm->ino))
		return ATTEMPT_AGAIN;
	return enter(shm, memory_cache_mb, err_out);
}

/*
 * Lock the first free slot of the counters while the file is open: readers sum
 * all slots up to the highest one used.
 */
static void
lock_slot(struct shm *shm)
{
	struct shm_layout_stats *counters = &shm->layout->counters;
	uint32_t used = atomic_load(&counters->slots);
	uint32_t i = 0;

	while (i < COUNTERS_SLOTS &&
	    shm_file_lock(shm->fd, F_WRLCK, (off_t)SHM_LAYOUT_LOCK_SLOTS + i) !=
		0)
		i++;
	shm->slot = &counters->slot[i];
	while (used <= i &&
	    !atomic_compare_exchange_weak(&counters->slots, &used, i + 1))
		;
}

enum err
shm_attach(const char *state_dir, int memory_cache_mb, struct shm **shm_out)
{
	static const struct timespec pause = { .tv_nsec = OPEN_POLL_NS };
	int64_t deadline = clock_system.mono_us() + OPEN_WAIT_US;
	struct shm *shm;
	enum attempt a;
	enum err err;

	*shm_out = NULL;
	if (memory_cache_mb < 1 || memory_cache_mb > SHM_MEMORY_CACHE_MB_MAX)
		return ERR_INVALID;
	shm = calloc(1, sizeof(*shm));
	if (shm == NULL)
		return ERR_UNAVAILABLE;
	shm->fd = -1;
	atomic_init(&shm->trusted, true);
	atomic_init(&shm->claim_fd, -1);
	shm->path = shm_file_path(state_dir);
	if (shm->path == NULL) {
		shm_file_log(state_dir, "path", errno);
		shm_detach(shm);
		return ERR_UNAVAILABLE;
	}
	while ((a = attempt(shm, memory_cache_mb, &err)) == ATTEMPT_AGAIN) {
		close_file(shm);
		if (clock_system.mono_us() >= deadline) {
			shm_file_log(shm->path, "wait", EAGAIN);
			break;
		}
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	if (a != ATTEMPT_DONE) {
		shm_detach(shm);
		return err;
	}
	lock_slot(shm);
	*shm_out = shm;
	return ERR_OK;
}

void
shm_detach(struct shm *shm)
{
	if (shm == NULL)
		return;
	shm_release_claim(shm);
	close_file(shm);
	free(shm->claim_path);
	free(shm->path);
	free(shm);
}

bool
shm_alone(struct shm *shm)
{
	return shm_file_lock(shm->fd, F_WRLCK, SHM_LAYOUT_LOCK_LIFE) == 0;
}

struct shm_layout *
shm_layout(const struct shm *shm)
{
	return shm->layout;
}

const unsigned char *
shm_id(const struct shm *shm)
{
	return shm->layout->shm_id;
}

struct shm_layout_slot *
shm_slot(const struct shm *shm)
{
	return shm->slot;
}

void *
shm_region(const struct shm *shm, size_t *size_out)
{
	*size_out = shm->size - SHM_LAYOUT_REGION;
	return (unsigned char *)shm->layout + SHM_LAYOUT_REGION;
}

bool
shm_is_current(const struct shm *shm)
{
	struct stat st;

	return lstat(shm->path, &st) == 0 && st.st_dev == shm->dev &&
	    st.st_ino == shm->ino && st.st_size == (off_t)shm->size &&
	    shm_has_claim(shm);
}

bool
shm_trusted(const struct shm *shm)
{
	return atomic_load_explicit(&shm->trusted, memory_order_acquire);
}

void
shm_distrust(struct shm *shm)
{
	char path[LOG_QUOTED_SIZE];

	if (!atomic_exchange(&shm->trusted, false))
		return;
	shm_release_claim(shm);
	log_event(LOG_LEVEL_ERROR, "shm_replaced",
	    "path=%s reason=\"no longer the file on disk; nothing cached "
	    "counts\"",
	    log_quote(path, shm->path));
}

int64_t
shm_time(struct shm *shm, int64_t wall)
{
	_Atomic int64_t *latest = &shm->layout->latest_time;
	int64_t seen = atomic_load(latest);

	while (seen < wall) {
		if (atomic_compare_exchange_weak(latest, &seen, wall))
			return wall;
	}
	return seen;
}

bool
shm_note_clock(struct shm *shm, bool behind)
{
	_Atomic uint32_t *noted = &shm->layout->clock_behind;

	/* Every second, and rarely new: a load leaves the cache line shared. */
	return atomic_load(noted) != behind &&
	    atomic_exchange(noted, behind) != behind;
}

enum err
shm_reopen(const struct shm *shm, int *fd_out)
{
	struct stat st;
	int fd;

	*fd_out = -1;
	fd = shm_file_open(shm->path, O_RDWR);
	if (fd < 0 || fstat(fd, &st) != 0) {
		shm_file_log(shm->path, "reopen", errno);
		goto fail;
	}
	if (st.st_dev != shm->dev || st.st_ino != shm->ino) {
		shm_file_log(shm->path, "reopen", ESTALE);
		goto fail;
	}
	*fd_out = fd;
	return ERR_OK;

fail:
	if (fd >= 0)
		(void)close(fd);
	return ERR_UNAVAILABLE;
}
