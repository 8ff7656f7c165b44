/* SPDX-License-Identifier: Apache-2.0 */
/* What the preloaded library offers to the program that sweeps. */
#ifndef ALLOCATION_FAULTS_H
#define ALLOCATION_FAULTS_H

/* From here on allocation number `first` of the calling thread, or of all threads, fails; with `on` all later ones,
 * too. 0: none fails. */
void faults_begin(long first, int on, int everywhere);

/* Ends that; how many allocations there were. */
long faults_end(void);

/* Blocks and bytes from the system's allocator that are live, in the whole process. */
long faults_live_blocks(void);
long faults_live_bytes(void);

#endif
