// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// What happens where an update meets the element that is there.
public enum ScatterReduction: Sendable {
    case replace, add, subtract, multiply, minimum, maximum
}

/// Combines runs of elements in place.
///
/// Safe to hold; whoever calls `apply` guarantees that both addresses cover the elements.
@safe
struct Combiner: Sendable {
    /// Elements of the target, elements of the update, how many.
    let apply: @Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Void

    /// Nil for a data type that cannot be calculated with.
    init?(_ reduction: ScatterReduction, _ dataType: DataType) {
        let elementBytes = dataType.bitWidth / 8
        if reduction == .replace {
            unsafe apply = { target, update, count in
                unsafe moveBytes(from: update, to: target, count: count * elementBytes)
            }
            return
        }
        let function: (@Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Void)?
        switch dataType {
        case .float: unsafe function = Combiner.real(reduction, Float.self)
        case .double: unsafe function = Combiner.real(reduction, Double.self)
        case .float16: unsafe function = Combiner.real(reduction, Float16.self)
        case .bfloat16: unsafe function = Combiner.real(reduction, BFloat16.self)
        case .int8: unsafe function = Combiner.integer(reduction, Int8.self)
        case .int16: unsafe function = Combiner.integer(reduction, Int16.self)
        case .int32: unsafe function = Combiner.integer(reduction, Int32.self)
        case .int64: unsafe function = Combiner.integer(reduction, Int64.self)
        case .uint8: unsafe function = Combiner.integer(reduction, UInt8.self)
        case .uint16: unsafe function = Combiner.integer(reduction, UInt16.self)
        case .uint32: unsafe function = Combiner.integer(reduction, UInt32.self)
        case .uint64: unsafe function = Combiner.integer(reduction, UInt64.self)
        default: return nil
        }
        guard let function = unsafe function else { return nil }
        unsafe apply = function
    }

    private static func real<E: Element>(
        _ reduction: ScatterReduction, _ type: E.Type
    ) -> (@Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Void)? where E.Wide: Real {
        switch reduction {
        case .replace: nil
        case .add: unsafe combine(type, RealFunctions.Add<E.Wide>.self)
        case .subtract: unsafe combine(type, RealFunctions.Subtract<E.Wide>.self)
        case .multiply: unsafe combine(type, RealFunctions.Multiply<E.Wide>.self)
        case .minimum: unsafe combine(type, RealFunctions.Minimum<E.Wide>.self)
        case .maximum: unsafe combine(type, RealFunctions.Maximum<E.Wide>.self)
        }
    }

    private static func integer<E: PlainElement & FixedWidthInteger>(
        _ reduction: ScatterReduction, _ type: E.Type
    ) -> (@Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Void)? {
        switch reduction {
        case .replace: nil
        case .add: unsafe combine(type, IntegerFunctions.Add<E>.self)
        case .subtract: unsafe combine(type, IntegerFunctions.Subtract<E>.self)
        case .multiply: unsafe combine(type, IntegerFunctions.Multiply<E>.self)
        case .minimum: unsafe combine(type, IntegerFunctions.Minimum<E>.self)
        case .maximum: unsafe combine(type, IntegerFunctions.Maximum<E>.self)
        }
    }

    private static func combine<E: Element, F: BinaryElementFunction>(
        _ type: E.Type, _ function: F.Type
    ) -> @Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Void
    where F.Operand == E.Wide, F.Result == E.Wide {
        { target, update, count in
            for index in 0..<count {
                let offset = index * MemoryLayout<E>.size
                let old = unsafe target.loadUnaligned(fromByteOffset: offset, as: type)
                let new = unsafe update.loadUnaligned(fromByteOffset: offset, as: type)
                let result = E(wide: function.apply(old.wide, new.wide))
                unsafe target.storeBytes(of: result, toByteOffset: offset, as: type)
            }
        }
    }
}

/// A copy of a tensor in which single elements are updated.
///
/// Inputs: data, indices of the same rank, updates of the shape of the indices.
public struct ScatterElementsKernel: NativeKernel {
    private let lookup: ElementLookup
    private let combiner: Combiner
    private let replaces: Bool
    private let elementBytes: Int
    private let dataBytes: Int
    private let indexType: IndexType

    public var canRunInPlace: Bool { true }

    /// Nil for a data type that `reduction` cannot be calculated in.
    public init?(
        dataType: DataType, data: [Int], indices: [Int], axis: Int, indexType: IndexType, reduction: ScatterReduction
    ) {
        guard let combiner = Combiner(reduction, dataType) else { return nil }
        self.combiner = combiner
        replaces = reduction == .replace
        lookup = ElementLookup(data: data, indices: indices, axis: axis)
        elementBytes = dataType.bitWidth / 8
        dataBytes = data.reduce(elementBytes, *)
        self.indexType = indexType
    }

    public func run(_ operands: KernelOperands) { _ = unsafe runChecked(operands) }

    public func runChecked(_ operands: KernelOperands) -> IndexFailure? {
        unsafe copyUnlessSame(operands, dataBytes)
        return switch indexType {
        case .uint8: unsafe scatter(operands, UInt8.self)
        case .int32: unsafe scatter(operands, Int32.self)
        case .int64: unsafe scatter(operands, Int64.self)
        }
    }

    private func scatter<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ type: Index.Type
    ) -> IndexFailure? {
        let (target, updates) = unsafe (operands.outputs[0], UnsafeRawPointer(operands.inputs[2]))
        if let failure = unsafe lookup.check(operands.inputs[1], input: 1, type) { return failure }
        // In one piece: two indices may name one element.
        if replaces, elementBytes == 4 {
            unsafe lookup.forEach(in: 0..<lookup.parts, operands.inputs[1], type) { index, element in
                unsafe moveBytes(from: updates + index &* 4, to: target + element &* 4, count: 4)
            }
        } else {
            unsafe lookup.forEach(in: 0..<lookup.parts, operands.inputs[1], type) { index, element in
                unsafe combiner.apply(target + element * elementBytes, updates + index * elementBytes, 1)
            }
        }
        return nil
    }
}

/// A copy of a tensor in which slices are updated, named by tuples of indices for its first dimensions.
///
/// Inputs: data `[sizes…, inner]`, indices `[count, sizes.count]`, updates `[count, inner]`.
public struct ScatterNdKernel: NativeKernel {
    private let sizes: [Int]
    private let inner: Int
    private let count: Int
    private let combiner: Combiner
    private let elementBytes: Int
    private let indexType: IndexType
    private let startsFromZero: Bool

    public var canRunInPlace: Bool { !startsFromZero }

    /// - startsFromZero: the inputs are indices and updates only, and the data are zeros.
    /// Nil for a data type that `reduction` cannot be calculated in.
    public init?(
        dataType: DataType, sizes: [Int], inner: Int, count: Int, indexType: IndexType, reduction: ScatterReduction,
        startsFromZero: Bool = false
    ) {
        guard let combiner = Combiner(reduction, dataType) else { return nil }
        self.combiner = combiner
        self.sizes = sizes
        self.inner = inner
        self.count = count
        elementBytes = dataType.bitWidth / 8
        self.indexType = indexType
        self.startsFromZero = startsFromZero
    }

    public func run(_ operands: KernelOperands) { _ = unsafe runChecked(operands) }

    public func runChecked(_ operands: KernelOperands) -> IndexFailure? {
        let dataBytes = sizes.reduce(inner * elementBytes, *)
        if startsFromZero {
            unsafe clearBytes(at: operands.outputs[0], count: dataBytes)
        } else {
            unsafe copyUnlessSame(operands, dataBytes)
        }
        return switch indexType {
        case .uint8: unsafe scatter(operands, UInt8.self)
        case .int32: unsafe scatter(operands, Int32.self)
        case .int64: unsafe scatter(operands, Int64.self)
        }
    }

    private func scatter<Index: FixedWidthInteger & BitwiseCopyable>(
        _ operands: KernelOperands, _ type: Index.Type
    ) -> IndexFailure? {
        let first = startsFromZero ? 0 : 1
        let (indices, updates) = unsafe (operands.inputs[first], operands.inputs[first + 1])
        let runBytes = inner * elementBytes
        for tuple in 0..<count {
            guard let row = unsafe row(indices, tuple, sizes, type) else {
                return unsafe tupleFailure(indices, input: first, tuple, sizes, type)
            }
            unsafe combiner.apply(operands.outputs[0] + row * runBytes, updates + tuple * runBytes, inner)
        }
        return nil
    }
}

/// Copies input 0 to output 0 where the planner has not given both the same memory.
private func copyUnlessSame(_ operands: KernelOperands, _ bytes: Int) {
    guard unsafe operands.inputs[0] != operands.outputs[0] else { return }
    unsafe operands.outputs[0].copyMemory(from: operands.inputs[0], byteCount: bytes)
}
