/* SPDX-License-Identifier: ISC */
#ifndef BASE_TESTPOINT_H
#define BASE_TESTPOINT_H

/*
 * A named place where a test may hold or kill the process, so that races are
 * forced and not hoped for.  In the product TESTPOINT() is nothing at all; the
 * test build (-DLATCHKEY_TESTPOINTS) looks for files in the folder that the
 * environment variable LATCHKEY_TESTPOINT_DIR names:
 *   NAME.hold  create NAME.reached (holding our pid), wait until NAME.hold is
 *              gone, then remove NAME.reached
 *   NAME.kill  remove it and kill ourselves with SIGKILL
 *   NAME.count append a line with the id of our thread
 * The first process to arrive takes a NAME.once-hold or NAME.once-kill (by
 * renaming it to NAME.hold.PID, which is what it then waits on), others pass.
 */
#ifdef LATCHKEY_TESTPOINTS
void testpoint_reach(const char *name);
#define TESTPOINT(name) testpoint_reach(name)
#else
#define TESTPOINT(name) ((void)0)
#endif

#endif
