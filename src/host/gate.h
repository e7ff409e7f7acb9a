/* SPDX-License-Identifier: ISC */
#ifndef HOST_GATE_H
#define HOST_GATE_H

#include "base/err.h"

struct mapped;

/*
 * The hash gate: how many password hashes run at once on this host, whoever
 * started the processes; and a gate of one place, for the work that one process
 * of the host does.  A place is a byte-range lock on the mapped file
 * (beyond its data), which the kernel releases when its holder dies.
 */
struct gate;

/**
 * gate_new(m, places, gate_out):
 * Make this process's hand on the ${places} (1 to 1024) places.  One gate is
 * used by one thread.  It opens its own descriptor of the mapped file, so two
 * gates of one process are two holders.
 */
enum err gate_new(
    struct mapped *m, int places, struct gate **gate_out) MUST_CHECK;

/**
 * gate_new_keeper(m, gate_out):
 * The same for the one place of who keeps the issuers' keys on this host.
 */
enum err gate_new_keeper(struct mapped *m, struct gate **gate_out) MUST_CHECK;

/* gate_free(g): gives the place back if it is held.  NULL is fine. */
void gate_free(struct gate *g);

/**
 * gate_enter(g, wait_ms):
 * Take a place, waiting at most ${wait_ms}.  Return ERR_BUSY if none came
 * free.  gate_leave(g) gives it back.
 */
enum err gate_enter(struct gate *g, int wait_ms) MUST_CHECK;
void gate_leave(struct gate *g);

#endif
