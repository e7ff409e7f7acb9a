/* SPDX-License-Identifier: ISC */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* A source of time, passed as an argument so that tests need not wait. */
struct clock {
	int64_t (*wall)(void);    /* seconds since the epoch, UTC */
	int64_t (*mono_us)(void); /* microseconds, equal in all processes */
};

/* clock_system: CLOCK_REALTIME and CLOCK_MONOTONIC. */
extern const struct clock clock_system;

#endif
