// SPDX-License-Identifier: Apache-2.0

package import COneDNN

/// Attributes of a primitive: scratchpad in the caller's memory, and post-operations.
@safe
package final class Attributes {
    package let handle: dnnl_primitive_attr_t

    /// - postOperations: innermost first; each operand is the descriptor of the second operand.
    package init(_ postOperations: [PostOperation<MemoryDescriptor>] = []) throws(OneDNNError) {
        var attributes: dnnl_primitive_attr_t?
        try OneDNNError.check(unsafe dnnl_primitive_attr_create(&attributes), "dnnl_primitive_attr_create")
        guard let attributes = unsafe attributes else {
            throw OneDNNError(function: "dnnl_primitive_attr_create", status: dnnl_runtime_error.rawValue)
        }
        unsafe handle = attributes
        try OneDNNError.check(
            unsafe dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
            "dnnl_primitive_attr_set_scratchpad_mode")
        if postOperations.isEmpty { return }

        var list: dnnl_post_ops_t?
        try OneDNNError.check(unsafe dnnl_post_ops_create(&list), "dnnl_post_ops_create")
        defer { _ = unsafe dnnl_post_ops_destroy(list) }
        for operation in postOperations {
            switch operation {
            case .eltwise(let f):
                try OneDNNError.check(
                    unsafe dnnl_post_ops_append_eltwise(list, f.algorithm.dnnl, f.alpha, f.beta),
                    "dnnl_post_ops_append_eltwise")
            case .binary(let algorithm, let operand):
                try OneDNNError.check(
                    unsafe dnnl_post_ops_append_binary(list, algorithm.dnnl, operand.handle),
                    "dnnl_post_ops_append_binary")
            }
        }
        try OneDNNError.check(
            unsafe dnnl_primitive_attr_set_post_ops(attributes, list), "dnnl_primitive_attr_set_post_ops")
    }

    deinit { _ = unsafe dnnl_primitive_attr_destroy(handle) }
}

extension Eltwise.Algorithm {
    package var dnnl: dnnl_alg_kind_t {
        switch self {
        case .relu: dnnl_eltwise_relu
        case .tanh: dnnl_eltwise_tanh
        case .elu: dnnl_eltwise_elu
        case .square: dnnl_eltwise_square
        case .abs: dnnl_eltwise_abs
        case .sqrt: dnnl_eltwise_sqrt
        case .linear: dnnl_eltwise_linear
        case .softRelu: dnnl_eltwise_soft_relu
        case .hardSigmoid: dnnl_eltwise_hardsigmoid
        case .logistic: dnnl_eltwise_logistic
        case .exp: dnnl_eltwise_exp
        case .geluTanh: dnnl_eltwise_gelu_tanh
        case .swish: dnnl_eltwise_swish
        case .log: dnnl_eltwise_log
        case .clip: dnnl_eltwise_clip
        case .pow: dnnl_eltwise_pow
        case .geluErf: dnnl_eltwise_gelu_erf
        case .round: dnnl_eltwise_round
        case .mish: dnnl_eltwise_mish
        case .hardSwish: dnnl_eltwise_hardswish
        }
    }
}

extension BinaryAlgorithm {
    package var dnnl: dnnl_alg_kind_t {
        switch self {
        case .add: dnnl_binary_add
        case .subtract: dnnl_binary_sub
        case .multiply: dnnl_binary_mul
        case .divide: dnnl_binary_div
        case .maximum: dnnl_binary_max
        case .minimum: dnnl_binary_min
        }
    }
}
