// SPDX-License-Identifier: Apache-2.0

package import COneDNN
package import GEGraph

/// An owner of a `dnnl_memory_desc_t`: logical dimensions, element type and physical layout. Immutable.
@safe
package final class MemoryDescriptor: @unchecked Sendable {
    /// Safe to share: never changed after creation, destroyed once by `deinit`.
    package let handle: dnnl_memory_desc_t

    package init(owning handle: dnnl_memory_desc_t) { unsafe self.handle = handle }

    deinit { _ = unsafe dnnl_memory_desc_destroy(handle) }

    /// Dense row-major, or with the given strides (in elements). A scalar becomes one dimension of 1.
    package convenience init(
        _ dataType: DataType, _ shape: [Int], strides: [Int]? = nil
    ) throws(OneDNNError) {
        let dims = shape.isEmpty ? [1] : shape
        var steps = strides ?? MemoryDescriptor.rowMajorStrides(dims)
        if shape.isEmpty { steps = [1] }
        let type = try MemoryDescriptor.dnnlType(dataType)
        try unsafe self.init(
            owning: MemoryDescriptor.make {
                unsafe dnnl_memory_desc_create_with_strides(
                    &$0, Int32(dims.count), dims.map { Int64($0) }, type, steps.map { Int64($0) })
            })
    }

    /// A descriptor that leaves the layout to the primitive it is given to.
    package static func any(_ dataType: DataType, _ shape: [Int]) throws(OneDNNError) -> MemoryDescriptor {
        try tagged(dataType, shape.isEmpty ? [1] : shape, dnnl_format_tag_any)
    }

    /// [N, C, spatial…] with the channels innermost in memory.
    package static func channelsLast(
        _ dataType: DataType, _ shape: [Int]
    ) throws(OneDNNError) -> MemoryDescriptor {
        var strides = [Int](repeating: 1, count: shape.count)
        var step = shape[1]
        for axis in stride(from: shape.count - 1, through: 2, by: -1) {
            strides[axis] = step
            step *= shape[axis]
        }
        strides[0] = step
        return try MemoryDescriptor(dataType, shape, strides: strides)
    }

    /// A descriptor of another shape and the same rank in this one's layout, where that is row-major, channels last, or
    /// blocked over the channels; nil for other layouts.
    package func like(_ dataType: DataType, _ shape: [Int]) throws(OneDNNError) -> MemoryDescriptor? {
        if isRowMajor { return try MemoryDescriptor(dataType, shape) }
        guard shape.count >= 3, shape.count <= 5 else { return nil }
        if try equals(.channelsLast(dataType, self.shape)) { return try .channelsLast(dataType, shape) }
        for tag in [[dnnl_aBc8b, dnnl_aBcd8b, dnnl_aBcde8b], [dnnl_aBc16b, dnnl_aBcd16b, dnnl_aBcde16b]]
            .map({ $0[shape.count - 3] })
        where try equals(.tagged(dataType, self.shape, tag)) {
            return try .tagged(dataType, shape, tag)
        }
        return nil
    }

    /// Whether only one reading of the strides tells where the channels are.
    ///
    /// Where all that follows the channels has size 1, row-major is channels last as well, and oneDNN 3.2's binary
    /// primitive takes it for one when it walks over the elements and for the other when it looks up an operand of its
    /// post-operations that has one number for each channel. In views with other orders of dimensions it errs, too.
    package func hasUnmistakableChannels() throws(OneDNNError) -> Bool {
        let shape = self.shape
        if shape.count <= 2 { return isRowMajor }
        guard shape[2...].contains(where: { $0 > 1 }) else { return false }
        return try like(.float, shape) != nil
    }

    private static func tagged(
        _ dataType: DataType, _ shape: [Int], _ tag: dnnl_format_tag_t
    ) throws(OneDNNError) -> MemoryDescriptor {
        let type = try dnnlType(dataType)
        return try unsafe MemoryDescriptor(
            owning: make {
                unsafe dnnl_memory_desc_create_with_tag(&$0, Int32(shape.count), shape.map { Int64($0) }, type, tag)
            })
    }

    package static func clone(_ borrowed: const_dnnl_memory_desc_t?) throws(OneDNNError) -> MemoryDescriptor {
        try unsafe MemoryDescriptor(owning: make { unsafe dnnl_memory_desc_clone(&$0, borrowed) })
    }

    package func reshaped(_ shape: [Int]) throws(OneDNNError) -> MemoryDescriptor {
        let dims = (shape.isEmpty ? [1] : shape).map { Int64($0) }
        return try unsafe MemoryDescriptor(
            owning: MemoryDescriptor.make {
                unsafe dnnl_memory_desc_reshape(&$0, handle, Int32(dims.count), dims)
            })
    }

    /// Dimension i of the result is dimension `permutation[i]` of this descriptor.
    package func transposed(_ permutation: [Int]) throws(OneDNNError) -> MemoryDescriptor {
        // oneDNN's argument is the inverse: where each dimension goes.
        var places = [Int32](repeating: 0, count: permutation.count)
        for (to, from) in permutation.enumerated() { places[from] = Int32(to) }
        return try unsafe MemoryDescriptor(
            owning: MemoryDescriptor.make {
                unsafe dnnl_memory_desc_permute_axes(&$0, handle, places)
            })
    }

    package var byteCount: Int { unsafe dnnl_memory_desc_get_size(handle) }

    package func equals(_ other: MemoryDescriptor) -> Bool {
        unsafe dnnl_memory_desc_equal(handle, other.handle) != 0
    }

    package var shape: [Int] { integers(dnnl_query_dims) }

    /// The step between neighbours in each dimension, in elements; nil for a blocked layout.
    package var strides: [Int]? {
        var blocks: Int32 = 0
        guard unsafe dnnl_memory_desc_query(handle, dnnl_query_inner_nblks_s32, &blocks) == dnnl_success, blocks == 0
        else { return nil }
        return integers(dnnl_query_strides)
    }

    /// Whether the elements lie densely in row-major order (dimensions of 1 may have any stride).
    package var isRowMajor: Bool {
        guard let strides else { return false }
        let dims = shape
        return zip(zip(dims, strides), MemoryDescriptor.rowMajorStrides(dims))
            .allSatisfy { $0.0.0 == 1 || $0.0.1 == $0.1 }
    }

    private func integers(_ what: dnnl_query_t) -> [Int] {
        var count: Int32 = 0
        var values: UnsafePointer<Int64>?
        guard unsafe dnnl_memory_desc_query(handle, dnnl_query_ndims_s32, &count) == dnnl_success,
            unsafe dnnl_memory_desc_query(handle, what, &values) == dnnl_success, let values = unsafe values
        else { return [] }
        // Safe: the array belongs to the descriptor and has `ndims` entries.
        return (0..<Int(count)).map { unsafe Int(values[$0]) }
    }

    package static func rowMajorStrides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in stride(from: shape.count - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] &* max(shape[axis + 1], 1)
        }
        return strides
    }

    package static func supports(_ dataType: DataType) -> Bool { (try? dnnlType(dataType)) != nil }

    private static func dnnlType(_ dataType: DataType) throws(OneDNNError) -> dnnl_data_type_t {
        switch dataType {
        case .float: dnnl_f32
        case .float16: dnnl_f16
        case .bfloat16: dnnl_bf16
        case .int32: dnnl_s32
        case .int8: dnnl_s8
        case .uint8: dnnl_u8
        default: throw OneDNNError(function: "dnnl_data_type_t(\(dataType))", status: dnnl_unimplemented.rawValue)
        }
    }

    private static func make(
        _ create: (inout dnnl_memory_desc_t?) throws(OneDNNError) -> dnnl_status_t
    ) throws(OneDNNError) -> dnnl_memory_desc_t {
        var handle: dnnl_memory_desc_t?
        try unsafe OneDNNError.check(try create(&handle), "dnnl_memory_desc_create")
        guard let handle = unsafe handle else {
            throw OneDNNError(function: "dnnl_memory_desc_create", status: dnnl_runtime_error.rawValue)
        }
        return unsafe handle
    }
}
