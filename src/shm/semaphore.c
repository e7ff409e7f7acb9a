/* SPDX-License-Identifier: ISC */
#include "shm/semaphore.h"

#include <assert.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/testpoint.h"
#include "shm/futex.h"
#include "shm/shm.h"
#include "shm/shm_file.h"
#include "shm/shm_layout.h"

#define PLACES_MAX 1024
#define NOT_INSIDE (-1)

/*
 * A holder that releases its place wakes one waiter; a killed one does not, so
 * waiters also try again from time to time: about a microsecond for each place.
 */
#define LOOK_US (10 * 1000)

struct semaphore {
	int fd;
	off_t first; /* byte, of the first place */
	int places;
	int inside; /* the place held, or NOT_INSIDE */
	_Atomic uint32_t *left;
};

static enum err
make(struct shm *shm, off_t first, int places, struct semaphore **semaphore_out)
{
	struct semaphore *g = calloc(1, sizeof(*g));
	enum err err;

	if (g == NULL)
		return ERR_INTERNAL;
	g->first = first;
	g->places = places;
	g->inside = NOT_INSIDE;
	g->left = &shm_layout(shm)->semaphore_released;
	err = shm_reopen(shm, &g->fd);
	if (err != ERR_OK) {
		free(g);
		return err;
	}
	*semaphore_out = g;
	return ERR_OK;
}

enum err
semaphore_new(struct shm *shm, int places, struct semaphore **semaphore_out)
{
	*semaphore_out = NULL;
	if (places < 1 || places > PLACES_MAX)
		return ERR_INVALID;
	return make(
	    shm, (off_t)SHM_LAYOUT_LOCK_SEMAPHORE, places, semaphore_out);
}

enum err
semaphore_new_jwks_refresh(struct shm *shm, struct semaphore **semaphore_out)
{
	*semaphore_out = NULL;
	return make(shm, (off_t)SHM_LAYOUT_LOCK_JWKS_REFRESH, 1, semaphore_out);
}

static int
lock_place(const struct semaphore *g, short type, int place)
{
	return shm_file_lock(g->fd, type, g->first + place);
}

/* ERR_BUSY: all full. */
static enum err
try_all(struct semaphore *g)
{
	uint32_t random;
	int place, error;

	/* Start at a random place: callers would collide at the first. */
	random_fill(&random, sizeof(random));
	place = (int)(random % (uint32_t)g->places);
	for (int i = 0; i < g->places; i++) {
		error = lock_place(g, F_WRLCK, place);
		if (error == 0) {
			g->inside = place;
			return ERR_OK;
		}
		if (!shm_file_is_held(error)) {
			log_event(
			    LOG_LEVEL_ERROR, "gate_lock", "errno=%d", error);
			return ERR_UNAVAILABLE;
		}
		place = (place + 1) % g->places;
	}
	return ERR_BUSY;
}

enum err
semaphore_acquire(struct semaphore *g, int wait_ms)
{
	int64_t deadline = clock_system.mono_us() + (int64_t)wait_ms * 1000;
	uint32_t left;
	int64_t wait;
	enum err err;

	assert(g->inside == NOT_INSIDE);
	for (;;) {
		left = atomic_load(g->left);
		err = try_all(g);
		if (err != ERR_BUSY)
			break;
		wait = deadline - clock_system.mono_us();
		if (wait <= 0)
			return ERR_BUSY;
		futex_wait(g->left, left, wait < LOOK_US ? wait : LOOK_US);
	}
	if (err == ERR_OK)
		TESTPOINT("semaphore:entered");
	return err;
}

void
semaphore_release(struct semaphore *g)
{
	int rc;

	assert(g->inside != NOT_INSIDE);
	/* Giving up exactly what was taken needs no memory: cannot fail. */
	rc = lock_place(g, F_UNLCK, g->inside);
	assert(rc == 0);
	g->inside = NOT_INSIDE;
	futex_wake(g->left, 1);
}

void
semaphore_free(struct semaphore *g)
{
	if (g == NULL)
		return;
	if (g->inside != NOT_INSIDE)
		semaphore_release(g);
	(void)close(g->fd);
	free(g);
}
