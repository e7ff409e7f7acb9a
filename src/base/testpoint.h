/* SPDX-License-Identifier: ISC */
#ifndef BASE_TESTPOINT_H
#define BASE_TESTPOINT_H

#include <stdint.h>

/*
 * A named place where a test can hold or kill the process, to force a race.  In
 * the product TESTPOINT() is empty.  The test build (-DLATCHKEY_TESTPOINTS)
 * looks for files in the folder $LATCHKEY_TESTPOINT_DIR:
 *   NAME.hold   create NAME.reached with the pid, wait until NAME.hold is gone,
 *               remove NAME.reached
 *   NAME.kill   remove it and send SIGKILL to this process
 *   NAME.count  append a line with the thread id
 *   NAME.once-hold, NAME.once-kill  the same for the first process only, which
 *               renames it to NAME.hold.PID or removes it
 *   clock       by how many seconds the wall clock of base/clock is ahead
 */
#ifdef LATCHKEY_TESTPOINTS
void testpoint_reach(const char *name);
int64_t testpoint_clock(void);
#define TESTPOINT(name) testpoint_reach(name)
#define TESTPOINT_CLOCK() testpoint_clock()
#else
#define TESTPOINT(name) ((void)0)
#define TESTPOINT_CLOCK() 0
#endif

#endif
