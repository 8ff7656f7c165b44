/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN's C API for Swift, and what of it there is once per process. */
#ifndef CONEDNN_H
#define CONEDNN_H

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR != 3
#error "PyAclMdl is written against the C API of oneDNN 3.x"
#endif

/* oneDNN's CPU engine and a stream on it, one of each per process, made at the first use and never destroyed. A failure
 * is not remembered. Any thread may call. */
dnnl_status_t conednn_shared_engine(dnnl_engine_t *engine);
dnnl_status_t conednn_shared_stream(dnnl_stream_t *stream);

#endif
