/* SPDX-License-Identifier: ISC */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * LLVMFuzzerTestOneInput(data, size):
 * What each tests/fuzz/fuzz_*.c defines: feed ${size} bytes to the code under
 * test and abort() when a promise is broken.  Always returns 0.  libFuzzer
 * calls it with what it invents, replay.c with the files of the corpus.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
