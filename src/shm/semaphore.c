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

#define SLOTS_MAX 1024
#define NOT_HELD (-1)

/*
 * A holder that releases its slot wakes one waiter; a killed one does not, so
 * waiters also try again periodically, which costs about 1 us for each slot.
 */
#define RETRY_US (10 * 1000)

struct semaphore {
	int fd;
	off_t first; /* byte of the first slot */
	int slots;
	int held; /* the slot, or NOT_HELD */
	_Atomic uint32_t *released;
};

static enum err
make(struct shm *shm, off_t first, int slots, struct semaphore **semaphore_out)
{
	struct semaphore *g = calloc(1, sizeof(*g));
	enum err err;

	if (g == NULL)
		return ERR_INTERNAL;
	g->first = first;
	g->slots = slots;
	g->held = NOT_HELD;
	g->released = &shm_layout(shm)->semaphore_released;
	err = shm_reopen(shm, &g->fd);
	if (err != ERR_OK) {
		free(g);
		return err;
	}
	*semaphore_out = g;
	return ERR_OK;
}

enum err
semaphore_new(struct shm *shm, int slots, struct semaphore **semaphore_out)
{
	*semaphore_out = NULL;
	if (slots < 1 || slots > SLOTS_MAX)
		return ERR_INVALID;
	return make(
	    shm, (off_t)SHM_LAYOUT_LOCK_SEMAPHORE, slots, semaphore_out);
}

enum err
semaphore_new_jwks_refresh(struct shm *shm, struct semaphore **semaphore_out)
{
	*semaphore_out = NULL;
	return make(shm, (off_t)SHM_LAYOUT_LOCK_JWKS_REFRESH, 1, semaphore_out);
}

static int
lock_slot(const struct semaphore *g, short type, int slot)
{
	return shm_file_lock(g->fd, type, g->first + slot);
}

/* ERR_BUSY: no slot is free. */
static enum err
try_slots(struct semaphore *g)
{
	uint32_t random;
	int slot, error;

	/* Start at a random slot, or all callers collide at the first. */
	random_fill(&random, sizeof(random));
	slot = (int)(random % (uint32_t)g->slots);
	for (int i = 0; i < g->slots; i++) {
		error = lock_slot(g, F_WRLCK, slot);
		if (error == 0) {
			g->held = slot;
			return ERR_OK;
		}
		if (!shm_file_is_held(error)) {
			log_event(
			    LOG_LEVEL_ERROR, "gate_lock", "errno=%d", error);
			return ERR_UNAVAILABLE;
		}
		slot = (slot + 1) % g->slots;
	}
	return ERR_BUSY;
}

enum err
semaphore_acquire(struct semaphore *g, int wait_ms)
{
	int64_t deadline = clock_system.mono_us() + (int64_t)wait_ms * 1000;
	uint32_t released;
	int64_t wait;
	enum err err;

	assert(g->held == NOT_HELD);
	for (;;) {
		released = atomic_load(g->released);
		err = try_slots(g);
		if (err != ERR_BUSY)
			break;
		wait = deadline - clock_system.mono_us();
		if (wait <= 0)
			return ERR_BUSY;
		futex_wait(
		    g->released, released, wait < RETRY_US ? wait : RETRY_US);
	}
	if (err == ERR_OK)
		TESTPOINT("semaphore:entered");
	return err;
}

void
semaphore_release(struct semaphore *g)
{
	int rc;

	assert(g->held != NOT_HELD);
	/* Unlocking exactly the locked range needs no memory: cannot fail. */
	rc = lock_slot(g, F_UNLCK, g->held);
	assert(rc == 0);
	g->held = NOT_HELD;
	futex_wake(g->released, 1);
}

void
semaphore_free(struct semaphore *g)
{
	if (g == NULL)
		return;
	if (g->held != NOT_HELD)
		semaphore_release(g);
	(void)close(g->fd);
	free(g);
}
