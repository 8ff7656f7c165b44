// SPDX-License-Identifier: Apache-2.0

/// A generic kernel with its loops compiled for the types that it was made with.
///
/// Called through a protocol, the methods of a generic type are the unspecialized ones, which are far slower; a closure
/// made where the types are known is not.
@safe
struct SpecializedKernel: NativeKernel {
    let scratchBytes: Int
    let tableBytes: Int
    let canRunInPlace: Bool
    let parts: Int
    private let whole: @Sendable (KernelOperands) -> IndexFailure?
    private let indices: @Sendable (KernelOperands) -> IndexFailure?
    private let some: @Sendable (KernelOperands, Range<Int>) -> Void

    @inline(__always)
    init<Kernel: NativeKernel>(_ kernel: Kernel) {
        scratchBytes = kernel.scratchBytes
        tableBytes = kernel.tableBytes
        canRunInPlace = kernel.canRunInPlace
        parts = kernel.parts
        unsafe whole = { unsafe kernel.runChecked($0) }
        unsafe indices = { unsafe kernel.check($0) }
        unsafe some = { unsafe kernel.run($0, parts: $1) }
    }

    func run(_ operands: KernelOperands) { _ = unsafe whole(operands) }
    func runChecked(_ operands: KernelOperands) -> IndexFailure? { unsafe whole(operands) }
    func check(_ operands: KernelOperands) -> IndexFailure? { unsafe indices(operands) }
    func run(_ operands: KernelOperands, parts: Range<Int>) { unsafe some(operands, parts) }
}
