/* SPDX-License-Identifier: ISC */
#ifndef COHERENCE_SHM_COHERENCE_H
#define COHERENCE_SHM_COHERENCE_H

#include "base/err.h"

struct coherence;
struct shm;

/**
 * shm_coherence_new(shm, coherence_out):
 * Coherence of the processes of one host: the versions are the generations in
 * their shared memory file (shm/generation.h).  Once ${shm} is distrusted every
 * version is unknown.  The caller frees *${coherence_out} with
 * coherence_free(); ${shm} is borrowed and outlives it.
 */
enum err shm_coherence_new(
    struct shm *shm, struct coherence **coherence_out) MUST_CHECK;

#endif
