/* SPDX-License-Identifier: ISC */
#include "shm/mutex.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <time.h>

#include "base/clock.h"

int
mutex_make(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;
	int error;

	error = pthread_mutexattr_init(&attr);
	if (error != 0)
		return error;
	error = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (error == 0)
		error =
		    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (error == 0)
		error = pthread_mutex_init(mutex, &attr);
	(void)pthread_mutexattr_destroy(&attr);
	return error;
}

/*
 * The owner wakes one waiter when it unlocks.  If a third thread locks the
 * mutex first and the woken one is killed, the futex word does not show the
 * other waiters, and none is woken.  So each waiter retries periodically.
 */
#define RETRY_US 5000

static int
wait_until(pthread_mutex_t *mutex, int64_t until_us)
{
	struct timespec until = { .tv_sec = (time_t)(until_us / 1000000),
		.tv_nsec = (long)(until_us % 1000000) * 1000 };

	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
}

int
mutex_take(pthread_mutex_t *mutex, int wait_ms)
{
	int64_t now_us, until_us;
	int rc;

	if (wait_ms <= 0)
		return pthread_mutex_trylock(mutex);
	now_us = clock_system.mono_us();
	until_us = now_us + (int64_t)wait_ms * 1000;
	do {
		rc = wait_until(mutex,
		    until_us - now_us > RETRY_US ? now_us + RETRY_US
						 : until_us);
		now_us = clock_system.mono_us();
	} while (rc == ETIMEDOUT && now_us < until_us);
	return rc;
}

void
mutex_give(pthread_mutex_t *mutex)
{
	int rc = pthread_mutex_unlock(mutex);

	assert(rc == 0); /* or the caller is not the owner */
}
