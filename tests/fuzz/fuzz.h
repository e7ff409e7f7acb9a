/* SPDX-License-Identifier: ISC */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * LLVMFuzzerTestOneInput(data, size):
 * Defined by each tests/fuzz/fuzz_*.c: feed ${size} bytes to the code under
 * test and abort() if a promise is broken.  Always return 0.  libFuzzer calls
 * it with generated inputs, replay.c with the files of the corpus.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
