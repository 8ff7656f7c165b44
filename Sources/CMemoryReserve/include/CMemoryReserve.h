/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when the system has no memory: Swift's runtime ends the process then. In release builds its requests,
 * and all others of the binary that links this target, come here (the linker's --wrap). A request that the system
 * refuses is served from a reserve, and the calling thread remembers it, so that its call can fail in an orderly way.
 */
#ifndef C_MEMORY_RESERVE_H
#define C_MEMORY_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From here on `memory_reserve_was_used` speaks of the calling thread's new call. */
void memory_reserve_begin(void);

/* Whether the system has refused memory to the calling thread since `memory_reserve_begin`. */
bool memory_reserve_was_used(void);

/* Makes `memory_reserve_was_used` true: for libraries that have reported a lack of memory in another way. */
void memory_reserve_note(void);

/* How often the system has refused memory to the calling thread. */
unsigned long memory_reserve_refusals(void);

/* Whether the system has `bytes` bytes at this moment; to be asked before a request that may be too large for the
 * reserve. */
bool memory_reserve_system_has(size_t bytes);

/* For a program of its own: when the reserve is used up, the process says `text` on standard output and ends with
 * `status`, where it would be ended by Swift's runtime otherwise. `text` stays the caller's, for ever. */
void memory_reserve_set_last_words(const char *text, int status);

/* Bytes of the reserve that are in use, and all of them. */
size_t memory_reserve_used_bytes(void);
size_t memory_reserve_total_bytes(void);

#ifdef __cplusplus
}
#endif

#endif
