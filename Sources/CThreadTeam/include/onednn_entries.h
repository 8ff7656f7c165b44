/* SPDX-License-Identifier: Apache-2.0 */
/* What oneDNN, built for GNU OpenMP, calls instead of that library: the entry points that GCC compiled its parallel
 * regions to, under the names that scripts/onednn_threads.py gives them (acl__x for GOMP_x, acl_x for omp_x). Their
 * meaning is that of libgomp's ABI: https://gcc.gnu.org/onlinedocs/libgomp/The-libgomp-ABI.html */
#ifndef ONEDNN_ENTRIES_H
#define ONEDNN_ENTRIES_H

#include <stdbool.h>

void acl__parallel_start(void (*body)(void *), void *data, unsigned threads);
void acl__parallel_end(void);
void acl__parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
void acl__barrier(void);
bool acl__loop_static_start(long start, long end, long step, long chunk, long *first, long *last);
bool acl__loop_static_next(long *first, long *last);
void acl__loop_end_nowait(void);
int acl_get_max_threads(void);
int acl_get_num_threads(void);
int acl_get_thread_num(void);
int acl_in_parallel(void);

#endif
