/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN's C API for Swift. */
#ifndef CONEDNN_H
#define CONEDNN_H

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR != 3
#error "PyAclMdl is written against the C API of oneDNN 3.x"
#endif

#endif
