/* SPDX-License-Identifier: ISC */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* A larger difference is not drift: a clock was set. */
#define CLOCK_DRIFT_SECONDS 60
/* Earlier than any release; a machine without a clock battery starts in 1970.
 */
#define CLOCK_EARLIEST INT64_C(1704067200)

/* A source of time, passed as an argument so that tests need not wait. */
struct clock {
	int64_t (*wall)(void);    /* seconds since the epoch, UTC */
	int64_t (*mono_us)(void); /* microseconds, equal in all processes */
};

/* clock_system: CLOCK_REALTIME and CLOCK_MONOTONIC. */
extern const struct clock clock_system;

/**
 * clock_behind(clock, latest):
 * Return by how many seconds the wall time of ${clock} is behind ${latest}, the
 * latest time seen; 0 unless it is more than CLOCK_DRIFT_SECONDS.
 */
int64_t clock_behind(const struct clock *clock, int64_t latest);

#endif
