/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_UNKNOWN_COHERENCE_H
#define TESTS_SUPPORT_UNKNOWN_COHERENCE_H

struct store;

/**
 * unknown_coherence_put(st, percent):
 * From now on ${percent} of a hundred versions that ${st}'s coherence is asked
 * for are unknown, at random; all else it does as before.  Call it before
 * anything asks for store_coherence().  store_close() frees it.
 *
 * unknown_coherence_set(st, percent): the same, once that was put there.
 */
void unknown_coherence_put(struct store *st, unsigned percent);
void unknown_coherence_set(struct store *st, unsigned percent);

#endif
