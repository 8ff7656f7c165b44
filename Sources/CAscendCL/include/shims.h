/* SPDX-License-Identifier: Apache-2.0 */
/* Entry points that C must forward to Swift, because Swift has no C spelling for their parameters. Not installed. */
#ifndef PYACLMDL_SHIMS_H
#define PYACLMDL_SHIMS_H

#include "acl/acl.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Arrays of pairs, passed on as `2 * count` numbers. */
aclError pyaclmdlSetTensorShapeRange(aclTensorDesc *desc, size_t count, const int64_t *endpoints);
aclError pyaclmdlSetTensorValueRange(aclTensorDesc *desc, size_t count, const int64_t *endpoints);

/* One formatted line of the application's log; `text` ends with a zero. */
void pyaclmdlWriteLog(aclLogLevel level, const char *function, const char *file, uint32_t line, const char *text);

/* A file in memory that other processes can open through /proc; negative on failure. */
int32_t pyaclmdlCreateMemoryFile(const char *name);

/* The system's number of the calling thread. */
int32_t pyaclmdlThreadNumber(void);

/* Whether the process has a thread with this `pthread_t`. Reads the memory that it names, which the caller watches. */
int32_t pyaclmdlThreadExists(uint64_t thread);

/* Processors that the process may use, at least 1. */
int32_t pyaclmdlUsableProcessors(void);

/* Whether the byte at `address` can be read, and written if `isWritten`. Asks the kernel and changes nothing; where the
 * kernel does not answer, the answer is yes. */
int32_t pyaclmdlCanTransfer(uintptr_t address, int32_t isWritten);

#ifdef __cplusplus
}
#endif

#endif
