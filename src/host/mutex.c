/* SPDX-License-Identifier: ISC */
#include "host/mutex.h"

#include <assert.h>
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

int
mutex_take(pthread_mutex_t *mutex, int wait_ms)
{
	struct timespec deadline;
	int64_t until_us;

	if (wait_ms <= 0)
		return pthread_mutex_trylock(mutex);
	until_us = clock_system.mono_us() + (int64_t)wait_ms * 1000;
	deadline.tv_sec = (time_t)(until_us / 1000000);
	deadline.tv_nsec = (long)(until_us % 1000000) * 1000;
	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &deadline);
}

void
mutex_give(pthread_mutex_t *mutex)
{
	int rc = pthread_mutex_unlock(mutex);

	assert(rc == 0); /* else it was not ours */
}
