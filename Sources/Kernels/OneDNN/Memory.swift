// SPDX-License-Identifier: Apache-2.0

package import COneDNN

/// An owner of a `dnnl_memory_t`: a descriptor with an address. It does not own the memory at that address.
@safe
package final class Memory {
    package let handle: dnnl_memory_t

    /// Safety: `data` covers the descriptor's bytes whenever a primitive runs with this memory; nil until it is set.
    @unsafe
    package init(_ descriptor: MemoryDescriptor, _ data: UnsafeMutableRawPointer?) throws(OneDNNError) {
        var memory: dnnl_memory_t?
        try OneDNNError.check(
            unsafe dnnl_memory_create(&memory, descriptor.handle, Engine.shared().handle, data), "dnnl_memory_create")
        guard let memory = unsafe memory else {
            throw OneDNNError(function: "dnnl_memory_create", status: dnnl_runtime_error.rawValue)
        }
        unsafe handle = memory
    }

    deinit { _ = unsafe dnnl_memory_destroy(handle) }
}
