/* SPDX-License-Identifier: ISC */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Where time comes from; handed in, so that tests need no waiting. */
struct clock {
	int64_t (*wall)(void);    /* seconds since the epoch, UTC */
	int64_t (*mono_us)(void); /* microseconds, same for all of the host */
};

/* clock_system: CLOCK_REALTIME and CLOCK_MONOTONIC. */
extern const struct clock clock_system;

#endif
