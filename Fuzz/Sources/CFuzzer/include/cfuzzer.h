// SPDX-License-Identifier: Apache-2.0
#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

// libFuzzer's, see https://llvm.org/docs/LibFuzzer.html.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t limit);

// Begins to count what is allocated on all threads.
void meter_start(void);
// The most bytes that were allocated at one time since the start, those from before not counted.
size_t meter_peak(void);

#endif
