// SPDX-License-Identifier: Apache-2.0

package import COneDNN

/// An owner of a `dnnl_primitive_desc_t`: an operation with all choices made, not yet compiled. Immutable.
@safe
package final class PrimitiveDescriptor: @unchecked Sendable {
    /// Safe to share: never changed after creation, destroyed once by `deinit`.
    package let handle: dnnl_primitive_desc_t
    /// The name of the implementation that oneDNN chose, such as `jit:avx2`; `ref` marks the slow fallback.
    package let implementation: String

    package init(
        _ function: StaticString, _ create: (inout dnnl_primitive_desc_t?) throws(OneDNNError) -> dnnl_status_t
    ) throws(OneDNNError) {
        var descriptor: dnnl_primitive_desc_t?
        try unsafe OneDNNError.check(try create(&descriptor), function)
        guard let descriptor = unsafe descriptor else {
            throw OneDNNError(function: "\(function)", status: dnnl_runtime_error.rawValue)
        }
        unsafe handle = descriptor
        var name: UnsafePointer<CChar>?
        implementation =
            unsafe dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &name) == dnnl_success
            ? unsafe name.map { unsafe String(cString: $0) } ?? "" : ""
    }

    deinit { _ = unsafe dnnl_primitive_desc_destroy(handle) }

    package var isReference: Bool { implementation.hasPrefix("ref") }

    /// Whether the kernel and its post-operations are generated code, in which NaN cannot be lost unnoticed: comparing it
    /// is an invalid operation that the processor keeps in mind. Compiled code may compare without a trace.
    package var isGenerated: Bool {
        if ["jit", "brg", "brdgmm"].contains(where: { implementation.hasPrefix($0) }) { return true }
        // Convolutions by matrix products leave the post-operations to compiled code, unlike the products themselves.
        return implementation.contains("gemm:jit") && !isConvolution
    }

    private var isConvolution: Bool {
        var kind = dnnl_undefined_primitive
        _ = unsafe dnnl_primitive_desc_query(handle, dnnl_query_primitive_kind, 0, &kind)
        return kind == dnnl_convolution || kind == dnnl_deconvolution
    }

    package func source(_ index: Int = 0) throws(OneDNNError) -> MemoryDescriptor {
        try query(dnnl_query_src_md, Int32(index))
    }
    package func weights(_ index: Int = 0) throws(OneDNNError) -> MemoryDescriptor {
        try query(dnnl_query_weights_md, Int32(index))
    }
    package func destination() throws(OneDNNError) -> MemoryDescriptor { try query(dnnl_query_dst_md, 0) }

    /// The descriptor that the execution argument (`DNNL_ARG_…`) must have.
    package func argument(_ argument: Int32) throws(OneDNNError) -> MemoryDescriptor {
        try query(dnnl_query_exec_arg_md, argument)
    }

    package var scratchpadBytes: Int {
        guard let descriptor = unsafe dnnl_primitive_desc_query_md(handle, dnnl_query_scratchpad_md, 0) else {
            return 0
        }
        return unsafe dnnl_memory_desc_get_size(descriptor)
    }

    package func scratchpad() throws(OneDNNError) -> MemoryDescriptor { try query(dnnl_query_scratchpad_md, 0) }

    private func query(_ what: dnnl_query_t, _ index: Int32) throws(OneDNNError) -> MemoryDescriptor {
        // Safe: the borrowed descriptor is copied while this object keeps it alive.
        try unsafe MemoryDescriptor.clone(dnnl_primitive_desc_query_md(handle, what, index))
    }
}

/// An owner of a compiled primitive; safe for concurrent execution, since scratchpads are the caller's.
@safe
package final class Primitive: @unchecked Sendable {
    package let handle: dnnl_primitive_t

    package init(_ descriptor: PrimitiveDescriptor) throws(OneDNNError) {
        var primitive: dnnl_primitive_t?
        try OneDNNError.check(unsafe dnnl_primitive_create(&primitive, descriptor.handle), "dnnl_primitive_create")
        guard let primitive = unsafe primitive else {
            throw OneDNNError(function: "dnnl_primitive_create", status: dnnl_runtime_error.rawValue)
        }
        unsafe handle = primitive
    }

    deinit { _ = unsafe dnnl_primitive_destroy(handle) }
}
