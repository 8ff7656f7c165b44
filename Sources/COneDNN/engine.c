/* SPDX-License-Identifier: Apache-2.0 */
#include "conednn.h"

#include <stdatomic.h>

static _Atomic(dnnl_engine_t) shared_engine;
static _Atomic(dnnl_stream_t) shared_stream;

dnnl_status_t conednn_shared_engine(dnnl_engine_t *engine)
{
    dnnl_engine_t found = atomic_load(&shared_engine), made;
    if (!found) {
        dnnl_status_t status = dnnl_engine_create(&made, dnnl_cpu, 0);
        if (status != dnnl_success)
            return status;
        if (atomic_compare_exchange_strong(&shared_engine, &found, made))
            found = made;
        else
            dnnl_engine_destroy(made);
    }
    *engine = found;
    return dnnl_success;
}

dnnl_status_t conednn_shared_stream(dnnl_stream_t *stream)
{
    dnnl_stream_t found = atomic_load(&shared_stream), made;
    if (!found) {
        dnnl_engine_t engine;
        dnnl_status_t status = conednn_shared_engine(&engine);
        if (status == dnnl_success)
            status = dnnl_stream_create(&made, engine, dnnl_stream_default_flags);
        if (status != dnnl_success)
            return status;
        if (atomic_compare_exchange_strong(&shared_stream, &found, made))
            found = made;
        else
            dnnl_stream_destroy(made);
    }
    *stream = found;
    return dnnl_success;
}
