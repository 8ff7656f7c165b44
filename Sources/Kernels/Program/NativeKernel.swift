// SPDX-License-Identifier: Apache-2.0

/// What computes a step of a program. It sees addresses, and knows from its making how what lies there is laid out.
///
/// Everything that depends on shapes and attributes is computed in its initializer, at load time; `run` only computes.
/// It allocates nothing, keeps no state, and may run on several threads at once for different instances.
public protocol NativeKernel: Sendable {
    /// Bytes of scratch memory that `run` needs.
    var scratchBytes: Int { get }
    /// Bytes of tables that grow with a shape and that the initializer has filled.
    var tableBytes: Int { get }
    /// Whether output 0 may lie in the memory of input 0, so that the planner can reuse it.
    var canRunInPlace: Bool { get }

    /// Exceptions of the processor (`TEAM_…`) after which the result may lack NaN or an infinity.
    var alarms: Int { get }

    /// Into how many independent parts the work can be cut; 1 for a kernel that runs in one piece.
    var parts: Int { get }

    /// Computes the outputs from the inputs.
    func run(_ operands: KernelOperands)
    /// Computes the given parts only. Different parts may run on several threads at once.
    func run(_ operands: KernelOperands, parts: Range<Int>)
    /// The same as `run` for kernels that look at indices: returns the first that is outside. What the outputs hold is then
    /// undefined, but nothing outside was read or written.
    func runChecked(_ operands: KernelOperands) -> IndexFailure?
    /// The first index that is outside, for kernels that look at some and are cut into parts: called before these, which
    /// must leave out what is outside nevertheless, since the caller's memory may change meanwhile.
    func check(_ operands: KernelOperands) -> IndexFailure?
}

extension NativeKernel {
    public var scratchBytes: Int { 0 }
    public var tableBytes: Int { 0 }
    public var canRunInPlace: Bool { false }
    public var alarms: Int { 0 }
    public var parts: Int { 1 }

    public func run(_ operands: KernelOperands, parts: Range<Int>) { unsafe run(operands) }

    public func check(_ operands: KernelOperands) -> IndexFailure? { nil }

    public func runChecked(_ operands: KernelOperands) -> IndexFailure? {
        if let failure = unsafe check(operands) { return failure }
        unsafe run(operands)
        return nil
    }
}

/// An element of an input that names nothing, or a length that is none.
public struct IndexFailure: Equatable, Sendable, CustomStringConvertible {
    /// The node's input, and the row-major number of the element in it.
    public var input, element: Int
    public var value: Int
    /// What the value may be; nothing where `highest` is below `lowest`.
    public var lowest, highest: Int

    public init(input: Int, element: Int, value: Int, lowest: Int, highest: Int) {
        self.input = input
        self.element = element
        self.value = value
        self.lowest = lowest
        self.highest = highest
    }

    public var description: String {
        let allowed = lowest > highest ? "an empty dimension, which has no index" : "\(lowest)...\(highest)"
        return "element \(element) of input \(input) is \(value), outside of \(allowed)"
    }
}

/// The addresses that a kernel works on. The shapes and types are the ones that it was prepared for.
///
/// Safety: whoever binds a kernel guarantees that each address covers its tensor and stays valid during `run`.
@unsafe
public struct KernelOperands {
    public let inputs: UnsafePointer<UnsafeMutableRawPointer>
    public let outputs: UnsafePointer<UnsafeMutableRawPointer>
    /// At least `scratchBytes`, aligned to 64 bytes; any address when no scratch was asked for.
    public let scratch: UnsafeMutableRawPointer
    /// Where a kernel whose result has a size that depends on the data writes how many entries it has; nil for others.
    public let resultCount: UnsafeMutablePointer<Int>?

    public init(
        inputs: UnsafePointer<UnsafeMutableRawPointer>, outputs: UnsafePointer<UnsafeMutableRawPointer>,
        scratch: UnsafeMutableRawPointer, resultCount: UnsafeMutablePointer<Int>? = nil
    ) {
        unsafe self.inputs = inputs
        unsafe self.outputs = outputs
        unsafe self.scratch = scratch
        unsafe self.resultCount = resultCount
    }

    public func input<T>(_ index: Int, as type: T.Type = T.self) -> UnsafePointer<T> {
        unsafe UnsafePointer(inputs[index].assumingMemoryBound(to: type))
    }

    public func output<T>(_ index: Int, as type: T.Type = T.self) -> UnsafeMutablePointer<T> {
        unsafe outputs[index].assumingMemoryBound(to: type)
    }
}
