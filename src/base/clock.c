/* SPDX-License-Identifier: ISC */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

#include "base/testpoint.h"

static int64_t
clock_wall(void)
{
	struct timespec ts;
	int rc;

	rc = clock_gettime(CLOCK_REALTIME, &ts);
	assert(rc == 0);
	(void)rc;
	return (int64_t)ts.tv_sec + TESTPOINT_CLOCK();
}

static int64_t
clock_mono_us(void)
{
	struct timespec ts;
	int rc;

	rc = clock_gettime(CLOCK_MONOTONIC, &ts);
	assert(rc == 0);
	(void)rc;
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_behind(const struct clock *clock, int64_t latest)
{
	int64_t wall = clock->wall();

	return latest - CLOCK_DRIFT_SECONDS > wall ? latest - wall : 0;
}

const struct clock clock_system = {
	.wall = clock_wall,
	.mono_us = clock_mono_us,
};
