/* SPDX-License-Identifier: ISC */
#ifndef BASE_TIMEFMT_H
#define BASE_TIMEFMT_H

#include <stdint.h>

#define TIMEFMT_SIZE 21 /* 2026-01-31T23:59:59Z and NUL */

/**
 * timefmt_utc(dst, seconds):
 * Write ${seconds} since the epoch as RFC 3339 UTC, clamped to the years 0000
 * to 9999.
 */
void timefmt_utc(char dst[TIMEFMT_SIZE], int64_t seconds);

#endif
