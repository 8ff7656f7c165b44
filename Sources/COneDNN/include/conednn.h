/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN's C API for Swift, and the one knob of its OpenMP runtime that the core turns. */
#ifndef CONEDNN_H
#define CONEDNN_H

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR != 3
#error "PyAclMdl is written against the C API of oneDNN 3.x"
#endif

/* How many threads oneDNN uses for what the calling thread prepares and executes from now on. Does nothing when oneDNN
 * was built without OpenMP. */
void conednn_set_threads(int count);

/* Calls body(index, count, context) once per thread on at most `threads` of the OpenMP runtime's threads, the calling
 * one among them, and returns when all are done. The same threads serve oneDNN, so none compete. */
void conednn_parallel(int threads, void (*body)(int index, int count, void *context), void *context);

#endif
