// SPDX-License-Identifier: Apache-2.0

package import COneDNN

/// oneDNN's CPU engine and a stream on it. There is one of each per process; both are safe for concurrent use, since
/// CPU streams hold no state between calls.
@safe
package struct Engine: @unchecked Sendable {
    package let handle: dnnl_engine_t
    package let stream: dnnl_stream_t

    /// Whether convolutions are quickest with the channels innermost: so without AVX-512, whose kernels want blocks.
    package static let prefersChannelsLast =
        isLimited
        || dnnl_get_effective_cpu_isa().rawValue & dnnl_cpu_isa_avx512_core.rawValue
            != dnnl_cpu_isa_avx512_core.rawValue

    /// Keeps oneDNN to the level that kernels are made for.
    private static let isLimited: Bool = {
        #if arch(x86_64)
        switch CPULevel.current {
        case .baseline: return dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41) == dnnl_success
        case .avx2: return dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2) == dnnl_success
        case .avx512: break
        }
        #endif
        return false
    }()

    package static func shared() throws(OneDNNError) -> Engine {
        _ = isLimited
        var engine: dnnl_engine_t?
        try OneDNNError.check(unsafe conednn_shared_engine(&engine), "dnnl_engine_create")
        var stream: dnnl_stream_t?
        try OneDNNError.check(unsafe conednn_shared_stream(&stream), "dnnl_stream_create")
        guard let engine = unsafe engine, let stream = unsafe stream else {
            throw OneDNNError(function: "dnnl_engine_create", status: dnnl_runtime_error.rawValue)
        }
        // Safe: both live until the process ends.
        return unsafe Engine(handle: engine, stream: stream)
    }
}
