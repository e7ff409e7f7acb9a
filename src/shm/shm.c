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
#include "shm/shm_layout.h"

/*
 * Who opens is alone on the OPENING byte, and holds it until the file is known
 * to be good or the attempt is over.  Hence whoever else holds LIFE has been
 * through all of this, in this life of the file: if LIFE is to be had
 * exclusively the file is nobody's and is reset, whatever lies in it (after a
 * power cut its counters may be older than the database), and if not it is
 * ready.  One who dies while he resets it takes both locks with him, and the
 * next finds LIFE free and begins anew.  With LIFE alone, two that had waited
 * for him would each take the other for proof that the file is good.
 */
#define OPEN_WAIT_US (2 * 1000 * 1000)
#define OPEN_POLL_NS (2 * 1000 * 1000)

#define REGION_UNIT ((size_t)1 << 20)

struct shm {
	int fd;
	struct shm_layout *layout;
	struct shm_layout_slot *slot;
	size_t size;    /* of the file */
	char *database; /* absolute: the working directory may change */
	char *path;     /* of the table */
	dev_t dev;
	ino_t ino;
	atomic_bool trusted;
};

/* An attempt that found something in motion; not an answer yet. */
enum attempt { ATTEMPT_FAILED, ATTEMPT_AGAIN, ATTEMPT_DONE };

static bool
map(struct shm *m)
{
	void *p =
	    mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);

	if (p == MAP_FAILED) {
		shm_file_complain(m->path, "map", errno);
		return false;
	}
	m->layout = p;
	return true;
}

/* Holding LIFE exclusively: begin a new life of the file. */
static bool
reset(struct shm *m, int memory_cache_mb)
{
	struct shm_layout *lo;
	int error;

	TESTPOINT("mapped:first");
	m->size = SHM_LAYOUT_REGION + (size_t)memory_cache_mb * REGION_UNIT;
	if (!shm_file_allocate(m->path, m->fd, m->size) || !map(m))
		return false;
	TESTPOINT("mapped:zeroed");
	lo = m->layout;
	lo->version = SHM_LAYOUT_VERSION;
	lo->size = m->size;
	atomic_store(&lo->counters.since, clock_system.wall());
	random_fill(lo->shm_id, sizeof(lo->shm_id));
	random_fill(lo->hash_key, sizeof(lo->hash_key));
	error = mutex_make(&lo->write_mutex);
	for (size_t i = 0; error == 0 && i < SHM_LAYOUT_LIMIT_LOCKS; i++)
		error = mutex_make(&lo->limits.mutex[i]);
	if (error != 0) {
		shm_file_complain(m->path, "mutex", error);
		return false;
	}
	TESTPOINT("mapped:filled");
	atomic_store_explicit(
	    &lo->magic, SHM_LAYOUT_MAGIC, memory_order_release);
	TESTPOINT("mapped:ready");
	return true;
}

/* Whole units, and at least one. */
static bool
is_size(uint64_t size)
{
	return size > SHM_LAYOUT_REGION &&
	    (size - SHM_LAYOUT_REGION) % REGION_UNIT == 0 &&
	    (size - SHM_LAYOUT_REGION) / REGION_UNIT <= SHM_MEMORY_CACHE_MB_MAX;
}

/* Others hold LIFE: is the file they made one that we understand? */
static enum err
join(struct shm *m)
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
	    "every version begins in the same way");

	n = pread(m->fd, &head, sizeof(head), 0);
	if (n < 0 || fstat(m->fd, &st) != 0) {
		shm_file_complain(m->path, "read", errno);
		return ERR_UNAVAILABLE;
	}
	if (n != (ssize_t)sizeof(head) || head.magic != SHM_LAYOUT_MAGIC ||
	    head.version != SHM_LAYOUT_VERSION || !is_size(head.size) ||
	    st.st_size != (off_t)head.size) {
		char path[LOG_QUOTED_SIZE];

		log_event(LOG_LEVEL_ERROR, "shm_version_mismatch",
		    "path=%s version=%u reason=\"in use by another version of "
		    "the program; stop that first\"",
		    log_quote(path, m->path), (unsigned int)head.version);
		return ERR_INVALID;
	}
	m->size = (size_t)head.size;
	return map(m) ? ERR_OK : ERR_UNAVAILABLE;
}

/* ATTEMPT_AGAIN if others hold the lock that was asked for. */
static enum attempt
not_locked(const struct shm *m, int error)
{
	if (shm_file_is_held(error))
		return ATTEMPT_AGAIN;
	shm_file_complain(m->path, "lock", error);
	return ATTEMPT_FAILED;
}

/* Holding OPENING: take LIFE, and make the file or join its users. */
static enum attempt
enter(struct shm *m, int memory_cache_mb, enum err *err_out)
{
	int error = shm_file_lock(m->fd, F_WRLCK, SHM_LAYOUT_LOCK_LIFE);

	if (error == 0) {
		if (!reset(m, memory_cache_mb))
			return ATTEMPT_FAILED;
		/* Replacing one's own lock is one step to all others. */
		error = shm_file_lock(m->fd, F_RDLCK, SHM_LAYOUT_LOCK_LIFE);
		if (error != 0)
			return not_locked(m, error);
	} else if (shm_file_is_held(error)) {
		TESTPOINT("mapped:others");
		error = shm_file_lock(m->fd, F_RDLCK, SHM_LAYOUT_LOCK_LIFE);
		if (error != 0)
			return not_locked(m, error);
		*err_out = join(m);
		if (*err_out != ERR_OK)
			return ATTEMPT_FAILED;
	} else {
		return not_locked(m, error);
	}
	TESTPOINT("mapped:entered");
	error = shm_file_lock(m->fd, F_UNLCK, SHM_LAYOUT_LOCK_OPENING);
	if (error != 0)
		return not_locked(m, error);
	*err_out = ERR_OK;
	return ATTEMPT_DONE;
}

/* Is what lies under the name still what we have open?  *st_out: it. */
static bool
is_on_disk(const struct shm *m, struct stat *st_out)
{
	return lstat(m->path, st_out) == 0 && st_out->st_dev == m->dev &&
	    st_out->st_ino == m->ino;
}

static void
let_go(struct shm *m)
{
	/*
	 * First the mapping, then the lock that says there is one: behind it,
	 * another may cut the file short.
	 */
	if (m->layout != NULL)
		(void)munmap(m->layout, m->size);
	if (m->fd >= 0)
		(void)close(m->fd);
	m->layout = NULL;
	m->fd = -1;
}

/* *err_out says why if it is ATTEMPT_FAILED, and ERR_OK if ATTEMPT_DONE. */
static enum attempt
attempt(struct shm *m, int memory_cache_mb, enum err *err_out)
{
	struct stat st;
	int error;

	*err_out = ERR_UNAVAILABLE;
	m->fd = shm_file_open(m->path, O_RDWR | O_CREAT);
	if (m->fd < 0 || fstat(m->fd, &st) != 0) {
		shm_file_complain(m->path, "open", errno);
		return ATTEMPT_FAILED;
	}
	TESTPOINT("mapped:opened");
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	if (!shm_file_is_ours(m->path, m->fd, m->database))
		return ATTEMPT_FAILED;
	error = shm_file_lock(m->fd, F_WRLCK, SHM_LAYOUT_LOCK_OPENING);
	if (error != 0)
		return not_locked(m, error);
	/* Locked, but is it still the one that others will find? */
	if (!is_on_disk(m, &st))
		return ATTEMPT_AGAIN;
	return enter(m, memory_cache_mb, err_out);
}

/*
 * Take the first slot of the statistics that nobody holds, for as long as we
 * have the file open.  The first, so that few are ever used and read.
 */
static void
take_slot(struct shm *m)
{
	struct shm_layout_stats *counters = &m->layout->counters;
	uint32_t used = atomic_load(&counters->slots);
	uint32_t i = 0;

	while (i < COUNTERS_SLOTS &&
	    shm_file_lock(m->fd, F_WRLCK, (off_t)SHM_LAYOUT_LOCK_SLOTS + i) !=
		0)
		i++;
	m->slot = &counters->slot[i];
	while (used <= i &&
	    !atomic_compare_exchange_weak(&counters->slots, &used, i + 1))
		;
}

enum err
shm_attach(const char *database, int memory_cache_mb, struct shm **shm_out)
{
	static const struct timespec pause = { .tv_nsec = OPEN_POLL_NS };
	int64_t deadline = clock_system.mono_us() + OPEN_WAIT_US;
	struct shm *m;
	enum attempt a;
	enum err err;

	*shm_out = NULL;
	if (memory_cache_mb < 1 || memory_cache_mb > SHM_MEMORY_CACHE_MB_MAX)
		return ERR_INVALID;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return ERR_UNAVAILABLE;
	m->fd = -1;
	atomic_init(&m->trusted, true);
	if (!shm_file_names(database, &m->database, &m->path)) {
		shm_file_complain(database, "path", errno);
		shm_detach(m);
		return ERR_UNAVAILABLE;
	}
	while ((a = attempt(m, memory_cache_mb, &err)) == ATTEMPT_AGAIN) {
		let_go(m);
		if (clock_system.mono_us() >= deadline) {
			shm_file_complain(m->path, "wait", EAGAIN);
			break;
		}
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	if (a != ATTEMPT_DONE) {
		shm_detach(m);
		return err;
	}
	take_slot(m);
	*shm_out = m;
	return ERR_OK;
}

void
shm_detach(struct shm *m)
{
	if (m == NULL)
		return;
	let_go(m);
	free(m->path);
	free(m->database);
	free(m);
}

bool
shm_alone(struct shm *m)
{
	return shm_file_lock(m->fd, F_WRLCK, SHM_LAYOUT_LOCK_LIFE) == 0;
}

const char *
shm_database(const struct shm *m)
{
	return m->database;
}

struct shm_layout *
shm_layout(const struct shm *m)
{
	return m->layout;
}

const unsigned char *
shm_id(const struct shm *m)
{
	return m->layout->shm_id;
}

struct shm_layout_slot *
shm_slot(const struct shm *m)
{
	return m->slot;
}

void *
shm_region(const struct shm *m, size_t *size_out)
{
	*size_out = m->size - SHM_LAYOUT_REGION;
	return (unsigned char *)m->layout + SHM_LAYOUT_REGION;
}

bool
shm_is_current(const struct shm *m)
{
	struct stat st;

	return is_on_disk(m, &st) && st.st_size == (off_t)m->size;
}

bool
shm_trusted(const struct shm *m)
{
	return atomic_load_explicit(&m->trusted, memory_order_acquire);
}

void
shm_distrust(struct shm *m)
{
	char path[LOG_QUOTED_SIZE];

	if (!atomic_exchange(&m->trusted, false))
		return;
	log_event(LOG_LEVEL_ERROR, "table_replaced",
	    "path=%s reason=\"no longer the file on disk; nothing cached "
	    "counts\"",
	    log_quote(path, m->path));
}

int64_t
shm_time(struct shm *m, int64_t wall)
{
	_Atomic int64_t *latest = &m->layout->latest_time;
	int64_t seen = atomic_load(latest);

	while (seen < wall) {
		if (atomic_compare_exchange_weak(latest, &seen, wall))
			return wall;
	}
	return seen;
}

enum err
shm_reopen(const struct shm *m, int *fd_out)
{
	struct stat st;
	int fd;

	*fd_out = -1;
	fd = shm_file_open(m->path, O_RDWR);
	if (fd < 0 || fstat(fd, &st) != 0) {
		shm_file_complain(m->path, "reopen", errno);
		goto fail;
	}
	if (st.st_dev != m->dev || st.st_ino != m->ino) {
		shm_file_complain(m->path, "reopen", ESTALE);
		goto fail;
	}
	*fd_out = fd;
	return ERR_OK;

fail:
	if (fd >= 0)
		(void)close(fd);
	return ERR_UNAVAILABLE;
}
