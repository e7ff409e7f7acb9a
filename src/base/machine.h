/* SPDX-License-Identifier: ISC */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stdint.h>

/*
 * What this process may use of the machine.  A container usually sees all
 * processors and all memory, and has a part of them by its control group.
 */

/* Limits of a control group and of those above it; 0: none. */
struct machine_limits {
	int64_t cpus;   /* processors' worth of time, rounded up */
	int64_t memory; /* bytes */
};

/**
 * machine_limits(root, limits_out):
 * Read the limits of this process's control group, version 1 or 2.  ${root} is
 * "" but for tests: it is put before /proc and /sys.
 *
 * machine_cpus(): processors that this process may run on at once, at least 1.
 * machine_memory(): bytes that its control group may use; 0: no limit.
 */
void machine_limits(const char *root, struct machine_limits *limits_out);
int machine_cpus(void);
int64_t machine_memory(void);

#endif
