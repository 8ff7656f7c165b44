/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN's C functions let C++ exceptions out when they get no memory, and nothing in Swift could catch them. In
 * release builds the linker puts these in their place. */
#ifdef MEMORY_RESERVE_WRAPS

#include <CMemoryReserve.h>
#include <oneapi/dnnl/dnnl.h>

namespace
{

/* What a creation that was broken off has left in the cache of primitives would fail all that are equal. */
void forget_primitives() noexcept
{
    int capacity = 0;
    if (dnnl_get_primitive_cache_capacity(&capacity) == dnnl_success) {
        dnnl_set_primitive_cache_capacity(0);
        dnnl_set_primitive_cache_capacity(capacity);
    }
}

template <typename Call> dnnl_status_t guarded(Call call, bool forgets = false)
{
    dnnl_status_t status = dnnl_out_of_memory;
    try {
        if (memory_reserve_is_prepared || memory_reserve_prepare_thread())
            status = call();
    } catch (...) {
        if (forgets)
            forget_primitives();
    }
    if (status == dnnl_out_of_memory)
        memory_reserve_note();
    return status;
}

/* The same, with what the system refuses from the reserve. */
template <typename Call> dnnl_status_t served(Call call)
{
    memory_reserve_serves = true;
    dnnl_status_t status = guarded(call, true);
    memory_reserve_serves = false;
    return status;
}

} // namespace

#define GUARDED(name, parameters, arguments)                                                                           \
    extern "C" dnnl_status_t __real_##name parameters;                                                                 \
    extern "C" dnnl_status_t __wrap_##name parameters                                                                  \
    {                                                                                                                  \
        return served([&] { return __real_##name arguments; });                                                        \
    }

extern "C" dnnl_status_t __real_dnnl_primitive_execute(
    const_dnnl_primitive_t primitive, dnnl_stream_t stream, int nargs, const dnnl_exec_arg_t *args);

extern "C" dnnl_status_t __wrap_dnnl_primitive_execute(
    const_dnnl_primitive_t primitive, dnnl_stream_t stream, int nargs, const dnnl_exec_arg_t *args)
{
    bool before = memory_reserve_cover(true);
    dnnl_status_t status = guarded([&] { return __real_dnnl_primitive_execute(primitive, stream, nargs, args); });
    memory_reserve_cover(before);
    return status;
}

GUARDED(dnnl_binary_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, dnnl_alg_kind_t alg_kind,
        const_dnnl_memory_desc_t src0_desc, const_dnnl_memory_desc_t src1_desc, const_dnnl_memory_desc_t dst_desc,
        const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, alg_kind, src0_desc, src1_desc, dst_desc, attr))
GUARDED(dnnl_concat_primitive_desc_create,
    (dnnl_primitive_desc_t * concat_primitive_desc, dnnl_engine_t engine, const_dnnl_memory_desc_t dst_desc, int n,
        int concat_dimension, const_dnnl_memory_desc_t const *src_descs, const_dnnl_primitive_attr_t attr),
    (concat_primitive_desc, engine, dst_desc, n, concat_dimension, src_descs, attr))
GUARDED(dnnl_convolution_forward_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
        const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t weights_desc, const_dnnl_memory_desc_t bias_desc,
        const_dnnl_memory_desc_t dst_desc, const dnnl_dims_t strides, const dnnl_dims_t dilates,
        const dnnl_dims_t padding_l, const dnnl_dims_t padding_r, const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, prop_kind, alg_kind, src_desc, weights_desc, bias_desc, dst_desc, strides, dilates,
        padding_l, padding_r, attr))
GUARDED(dnnl_deconvolution_forward_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
        const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t weights_desc, const_dnnl_memory_desc_t bias_desc,
        const_dnnl_memory_desc_t dst_desc, const dnnl_dims_t strides, const dnnl_dims_t dilates,
        const dnnl_dims_t padding_l, const dnnl_dims_t padding_r, const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, prop_kind, alg_kind, src_desc, weights_desc, bias_desc, dst_desc, strides, dilates,
        padding_l, padding_r, attr))
GUARDED(dnnl_eltwise_forward_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
        const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc, float alpha, float beta,
        const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, prop_kind, alg_kind, src_desc, dst_desc, alpha, beta, attr))
GUARDED(dnnl_engine_create, (dnnl_engine_t * engine, dnnl_engine_kind_t kind, size_t index), (engine, kind, index))
GUARDED(dnnl_inner_product_forward_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind,
        const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t weights_desc, const_dnnl_memory_desc_t bias_desc,
        const_dnnl_memory_desc_t dst_desc, const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, prop_kind, src_desc, weights_desc, bias_desc, dst_desc, attr))
GUARDED(dnnl_layer_normalization_forward_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind,
        const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc, const_dnnl_memory_desc_t stat_desc,
        float epsilon, unsigned flags, const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, prop_kind, src_desc, dst_desc, stat_desc, epsilon, flags, attr))
GUARDED(dnnl_matmul_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, const_dnnl_memory_desc_t src_desc,
        const_dnnl_memory_desc_t weights_desc, const_dnnl_memory_desc_t bias_desc, const_dnnl_memory_desc_t dst_desc,
        const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, src_desc, weights_desc, bias_desc, dst_desc, attr))
GUARDED(dnnl_memory_create,
    (dnnl_memory_t * memory, const_dnnl_memory_desc_t memory_desc, dnnl_engine_t engine, void *handle),
    (memory, memory_desc, engine, handle))
GUARDED(dnnl_memory_desc_clone, (dnnl_memory_desc_t * memory_desc, const_dnnl_memory_desc_t existing_memory_desc),
    (memory_desc, existing_memory_desc))
GUARDED(dnnl_memory_desc_create_with_strides,
    (dnnl_memory_desc_t * memory_desc, int ndims, const dnnl_dims_t dims, dnnl_data_type_t data_type,
        const dnnl_dims_t strides),
    (memory_desc, ndims, dims, data_type, strides))
GUARDED(dnnl_memory_desc_create_with_tag,
    (dnnl_memory_desc_t * memory_desc, int ndims, const dnnl_dims_t dims, dnnl_data_type_t data_type,
        dnnl_format_tag_t tag),
    (memory_desc, ndims, dims, data_type, tag))
GUARDED(dnnl_memory_desc_permute_axes,
    (dnnl_memory_desc_t * out_memory_desc, const_dnnl_memory_desc_t in_memory_desc, const int *permutation),
    (out_memory_desc, in_memory_desc, permutation))
GUARDED(dnnl_memory_desc_query, (const_dnnl_memory_desc_t memory_desc, dnnl_query_t what, void *result),
    (memory_desc, what, result))
GUARDED(dnnl_memory_desc_reshape,
    (dnnl_memory_desc_t * out_memory_desc, const_dnnl_memory_desc_t in_memory_desc, int ndims, const dnnl_dims_t dims),
    (out_memory_desc, in_memory_desc, ndims, dims))
GUARDED(dnnl_pooling_forward_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
        const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc, const dnnl_dims_t strides,
        const dnnl_dims_t kernel, const dnnl_dims_t dilation, const dnnl_dims_t padding_l, const dnnl_dims_t padding_r,
        const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, prop_kind, alg_kind, src_desc, dst_desc, strides, kernel, dilation, padding_l, padding_r,
        attr))
GUARDED(dnnl_post_ops_append_binary,
    (dnnl_post_ops_t post_ops, dnnl_alg_kind_t alg_kind, const_dnnl_memory_desc_t src1_desc),
    (post_ops, alg_kind, src1_desc))
GUARDED(dnnl_post_ops_append_eltwise, (dnnl_post_ops_t post_ops, dnnl_alg_kind_t alg_kind, float alpha, float beta),
    (post_ops, alg_kind, alpha, beta))
GUARDED(dnnl_post_ops_create, (dnnl_post_ops_t * post_ops), (post_ops))
GUARDED(dnnl_primitive_attr_create, (dnnl_primitive_attr_t * attr), (attr))
GUARDED(
    dnnl_primitive_attr_set_post_ops, (dnnl_primitive_attr_t attr, const_dnnl_post_ops_t post_ops), (attr, post_ops))
GUARDED(
    dnnl_primitive_attr_set_scratchpad_mode, (dnnl_primitive_attr_t attr, dnnl_scratchpad_mode_t mode), (attr, mode))
GUARDED(dnnl_primitive_create, (dnnl_primitive_t * primitive, const_dnnl_primitive_desc_t primitive_desc),
    (primitive, primitive_desc))
GUARDED(dnnl_primitive_desc_query,
    (const_dnnl_primitive_desc_t primitive_desc, dnnl_query_t what, int index, void *result),
    (primitive_desc, what, index, result))
GUARDED(dnnl_reduction_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, dnnl_alg_kind_t alg_kind,
        const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc, float p, float eps,
        const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, alg_kind, src_desc, dst_desc, p, eps, attr))
GUARDED(dnnl_reorder_primitive_desc_create,
    (dnnl_primitive_desc_t * reorder_primitive_desc, const_dnnl_memory_desc_t src_desc, dnnl_engine_t src_engine,
        const_dnnl_memory_desc_t dst_desc, dnnl_engine_t dst_engine, const_dnnl_primitive_attr_t attr),
    (reorder_primitive_desc, src_desc, src_engine, dst_desc, dst_engine, attr))
GUARDED(dnnl_resampling_forward_primitive_desc_create,
    (dnnl_primitive_desc_t * primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
        const float *factors, const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc,
        const_dnnl_primitive_attr_t attr),
    (primitive_desc, engine, prop_kind, alg_kind, factors, src_desc, dst_desc, attr))
GUARDED(dnnl_stream_create, (dnnl_stream_t * stream, dnnl_engine_t engine, unsigned flags), (stream, engine, flags))

#endif
