// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// Collects the steps of a program while operators are lowered.
///
/// A value has a logical shape and a layout: dense row-major, or, for floats, any oneDNN layout (blocked, or a strided
/// view made by `transpose`). The functions that take values accept any layout and insert reorders where needed.
public final class ProgramBuilder {
    /// Functions to apply to the result of the node being lowered, innermost first. The kernel that computes the result
    /// takes them over through `takePostOperations`.
    package var postOperations: [PostOperation<Value>] = []

    package init(threads: Int) {}

    /// Type and logical shape.
    public func desc(_ value: Value) -> TensorDesc { TensorDesc(.float, []) }
    public func shape(_ value: Value) -> [Int] { desc(value).shape }

    /// The value as a constant, where it is one.
    public func constant(_ value: Value) -> Constant? { nil }
    /// A value for a constant made during lowering.
    public func constant(_ constant: Constant) -> Value { Value(id: 0) }

    /// Emits a native kernel. Inputs are made dense row-major first; outputs are dense row-major.
    public func native(_ kernel: any NativeKernel, inputs: [Value], outputs: [TensorDesc]) throws -> [Value] { [] }

    /// The same elements in row-major order under another shape; no copy where the layout allows it.
    public func reshape(_ value: Value, to shape: [Int]) throws -> Value { value }
    /// Dimension i of the result is dimension `permutation[i]` of `value`; a view for floats, a copy for other types.
    public func transpose(_ value: Value, _ permutation: [Int]) throws -> Value { value }
}
