// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// Collects the steps of a program while operators are lowered.
///
/// A value has a logical shape and a layout: dense row-major, or, for floats, any oneDNN layout (blocked, or a strided
/// view made by `transpose`). The functions that take values accept any layout and insert reorders where needed.
public final class ProgramBuilder {
    /// Functions to apply to the result of the node being lowered, innermost first. The kernel that computes the result
    /// takes them over; what is left is applied afterwards by `applyPostOperations`.
    package var postOperations: [PostOperation<Value>] = []
    /// The node being lowered and its type, for messages.
    package var nodeName = ""
    package var nodeType = ""
    package private(set) var program = Program()
    /// Bytes that lowering has made: constants and the tables of kernels.
    package private(set) var madeBytes = 0
    /// Whether only kernels are emitted that keep NaN and infinities, however slow.
    package let keepsNaN: Bool

    private var values: [Info] = []
    /// Copies of values in other layouts that exist already.
    private var reordered: [Int: [(layout: MemoryDescriptor?, buffer: Int)]] = [:]
    /// Forms for the vector kernels in which constants exist already.
    private var packedForms: [Int: [(form: WeightForm, buffer: Int)]] = [:]

    struct Info {
        enum Source {
            case buffer(Int)
            /// A constant whose bytes lie as `Info.layout` says.
            case constant(Constant)
        }
        var desc: TensorDesc
        /// nil: dense row-major.
        var layout: MemoryDescriptor?
        var source: Source
    }

    package init(keepsNaN: Bool = false) { self.keepsNaN = keepsNaN }

    // MARK: Values

    /// Type and logical shape.
    public func desc(_ value: Value) -> TensorDesc { values[value.id].desc }
    public func shape(_ value: Value) -> [Int] { values[value.id].desc.shape }

    /// The value as a constant in row-major order, where it is one.
    public func constant(_ value: Value) -> Constant? {
        let info = values[value.id]
        guard case .constant(var constant) = info.source, info.layout == nil,
            constant.desc.dataType == info.desc.dataType
        else { return nil }
        constant.desc.shape = info.desc.shape
        return constant
    }

    /// A value for a constant of a 16-bit float in the weights, seen as one of float32.
    package func widened(_ constant: Constant) -> Value {
        return add(Info(desc: TensorDesc(.float, constant.desc.shape), layout: nil, source: .constant(constant)))
    }

    /// A value for a constant.
    public func constant(_ constant: Constant) -> Value {
        if case .inline(let bytes) = constant.data { madeBytes += bytes.count }
        return add(
            Info(
                desc: TensorDesc(constant.desc.dataType, constant.desc.shape), layout: nil, source: .constant(constant))
        )
    }

    /// Whether the value is known when the program is built, so that any layout of it is free at run time.
    public func isConstant(_ value: Value) -> Bool {
        if case .constant = values[value.id].source { true } else { false }
    }

    /// Whether the value is dense row-major.
    public func isPlain(_ value: Value) -> Bool { values[value.id].layout == nil }

    /// The model's input `index`: dense row-major in the caller's buffer.
    package func input(_ index: Int, _ desc: TensorDesc) throws -> Value {
        let buffer = addBuffer(.input(index), try byteCount(desc))
        return add(Info(desc: TensorDesc(desc.dataType, desc.shape), layout: nil, source: .buffer(buffer)))
    }

    /// Makes `value` the model's output `index`, dense row-major in the caller's buffer: the step that computes it
    /// writes there if it can, else a copy is added.
    package func output(_ index: Int, _ value: Value) throws {
        let plainValue = try plain(value)
        if case .buffer(let buffer) = values[plainValue.id].source, program.buffers[buffer].kind == .activation,
            program.buffers[buffer].bytes == (try byteCount(desc(value)))
        {
            program.buffers[buffer].kind = .output(index)
            return
        }
        let bytes = try byteCount(desc(value))
        let target = addBuffer(.output(index), bytes)
        addNative(CopyKernel(bytes: bytes), inputs: [try operandBuffer(plainValue, nil)], outputs: [target])
    }

    // MARK: Views

    /// The same elements in row-major order under another shape; no copy where the layout allows it.
    public func reshape(_ value: Value, to shape: [Int]) throws -> Value {
        var info = values[value.id]
        if info.desc.shape == shape { return value }
        if let layout = info.layout {
            guard let reshaped = try? layout.reshaped(shape) else { return try reshape(plain(value), to: shape) }
            info.layout = try view(reshaped, info.desc.dataType)
        }
        info.desc.shape = shape
        return add(info)
    }

    /// Dimension i of the result is dimension `permutation[i]` of `value`: a view for types that oneDNN knows, else a
    /// copy.
    public func transpose(_ value: Value, _ permutation: [Int]) throws -> Value {
        if permutation == Array(permutation.indices) { return value }
        var info = values[value.id]
        let shape = permutation.map { info.desc.shape[$0] }
        guard MemoryDescriptor.supports(info.desc.dataType) else {
            let kernel = TransposeKernel(
                elementBytes: info.desc.dataType.bitWidth / 8, shape: info.desc.shape, permutation: permutation)
            return try native(kernel, inputs: [value], outputs: [TensorDesc(info.desc.dataType, shape)])[0]
        }
        info.layout = try view(layout(of: value).transposed(permutation), info.desc.dataType)
        info.desc.shape = shape
        return add(info)
    }

    /// The layout of a view; nil for a row-major one. Dimensions of size 1 get the strides that oneDNN gives them in a
    /// layout that it knows, since its kernels tell layouts apart by the strides.
    private func view(_ layout: MemoryDescriptor, _ type: DataType) throws(OneDNNError) -> MemoryDescriptor? {
        layout.isRowMajor ? nil : try layout.like(type, layout.shape) ?? layout
    }

    /// The same value, dense row-major.
    public func plain(_ value: Value) throws -> Value {
        var info = values[value.id]
        if info.layout == nil { return value }
        info.source = .buffer(try operandBuffer(value, nil))
        info.layout = nil
        return add(info)
    }

    // MARK: Steps

    /// Emits a native kernel. Inputs are made dense row-major first; outputs are dense row-major.
    /// - countsResult: whether the kernel finds out how many entries its result has; `outputs` are then upper bounds.
    public func native(
        _ kernel: any NativeKernel, inputs: [Value], outputs: [TensorDesc], countsResult: Bool = false
    ) throws -> [Value] {
        try native(
            kernel, buffers: inputs.map { try operandBuffer($0, nil) }, outputs: outputs, countsResult: countsResult)
    }

    /// Emits a native kernel on buffers.
    func native(
        _ kernel: any NativeKernel, buffers sources: [Int], outputs: [TensorDesc], countsResult: Bool = false
    ) throws -> [Value] {
        let targets = try outputs.map { addBuffer(.activation, try byteCount($0)) }
        addNative(kernel, inputs: sources, outputs: targets, countsResult: countsResult)
        return zip(outputs, targets).map {
            add(Info(desc: TensorDesc($0.0.dataType, $0.0.shape), layout: nil, source: .buffer($0.1)))
        }
    }

    private func addNative(
        _ kernel: any NativeKernel, inputs: [Int], outputs: [Int], countsResult: Bool = false
    ) {
        madeBytes += kernel.tableBytes
        program.steps.append(
            Program.Step(
                name: nodeName, type: nodeType, kind: .native(kernel, inputs: inputs, outputs: outputs),
                scratchBytes: kernel.scratchBytes,
                reads: inputs, writes: outputs, canRunInPlace: kernel.canRunInPlace, alarms: kernel.alarms,
                countsResult: countsResult))
    }

    /// Emits a kernel that works on elements in any order: the result lies as `x` does.
    public func roundToShort(_ x: Value, _ kernel: RoundToShortKernel) throws -> [Value] {
        let layout = try layout(of: x)
        guard layout.byteCount == desc(x).byteCount else {
            return try native(kernel, inputs: [x], outputs: [desc(x)])
        }
        return [emit(kernel, inputs: [try operandBuffer(x, layout)], output: desc(x), layout: layout)]
    }

    /// Emits a native kernel on buffers, whose result has the descriptor `output` in the layout `layout`.
    func emit(_ kernel: any NativeKernel, inputs: [Int], output: TensorDesc, layout: MemoryDescriptor) -> Value {
        let target = addBuffer(.activation, layout.byteCount)
        addNative(kernel, inputs: inputs, outputs: [target])
        return value(output, layout, buffer: target)
    }

    /// A buffer in the weight area that holds a constant in a form of the vector kernels.
    func packed(_ value: Value, _ form: WeightForm) throws -> Int {
        guard case .constant(let constant) = values[value.id].source else {
            throw GraphError.invalidNode(node: nodeName, type: nodeType, reason: "its weights are not constant")
        }
        if let known = packedForms[value.id]?.first(where: { $0.form == form }) { return known.buffer }
        let buffer = addBuffer(.constant(program.constants.count), form.byteCount)
        program.constants.append(
            .init(constant: constant, form: .weights(form), bytes: form.byteCount, dataType: .float))
        packedForms[value.id, default: []].append((form, buffer))
        return buffer
    }

    /// The steps between a constant's elements in its own bytes, one for each dimension; nil where it is none or blocked.
    func constantStrides(_ value: Value) -> [Int]? {
        guard isConstant(value) else { return nil }
        guard let layout = values[value.id].layout else { return MemoryDescriptor.rowMajorStrides(shape(value)) }
        return layout.strides
    }

    /// Emits a primitive whose result has the descriptor `output` in the layout `layout`.
    func emit(
        _ primitive: PrimitiveDescriptor, _ arguments: [(argument: Int32, operand: Program.Operand)],
        result: Int32, output: TensorDesc, layout: MemoryDescriptor, canRunInPlace: Bool = false, alarms: Int = 0
    ) -> Value {
        let target = addBuffer(.activation, layout.byteCount)
        program.steps.append(
            Program.Step(
                name: nodeName, type: nodeType,
                kind: .primitive(
                    primitive,
                    arguments + [(argument: result, operand: Program.Operand(buffer: target, layout: layout))]),
                scratchBytes: primitive.scratchpadBytes, reads: arguments.map(\.operand.buffer), writes: [target],
                canRunInPlace: canRunInPlace, alarms: alarms))
        return value(output, layout, buffer: target)
    }

    private func value(_ desc: TensorDesc, _ layout: MemoryDescriptor, buffer: Int) -> Value {
        // The kernel may have worked on a shape with dimensions merged; the bytes in row-major order are the same.
        let isPlain = layout.isRowMajor
        return add(
            Info(
                desc: TensorDesc(desc.dataType, desc.shape), layout: isPlain ? nil : layout,
                source: .buffer(buffer)))
    }

    // MARK: Operands

    /// The value's layout as a descriptor, the row-major one where it is plain.
    func layout(of value: Value) throws(OneDNNError) -> MemoryDescriptor {
        let info = values[value.id]
        if let layout = info.layout { return layout }
        return try MemoryDescriptor(info.desc.dataType, info.desc.shape)
    }

    /// The value in the layout that a primitive wants, with a reorder where it has another one.
    func operand(_ value: Value, _ wanted: MemoryDescriptor) throws -> Program.Operand {
        Program.Operand(buffer: try operandBuffer(value, wanted), layout: wanted)
    }

    /// A buffer that holds the value in the layout `wanted` (nil: dense row-major).
    func operandBuffer(_ value: Value, _ wanted: MemoryDescriptor?) throws -> Int {
        let info = values[value.id]
        let wanted = wanted.flatMap { $0.isRowMajor ? nil : $0 }
        if case .buffer(let buffer) = info.source, same(info.layout, wanted) { return buffer }
        if let existing = reordered[value.id]?.first(where: { same($0.layout, wanted) }) { return existing.buffer }
        let buffer = try makeCopy(info, wanted)
        reordered[value.id, default: []].append((wanted, buffer))
        return buffer
    }

    private func makeCopy(_ info: Info, _ wanted: MemoryDescriptor?) throws -> Int {
        switch info.source {
        case .constant(let constant):
            let index = program.constants.count
            if info.layout == nil, wanted == nil {
                let bytes = try byteCount(info.desc)
                program.constants.append(
                    .init(constant: constant, form: .plain, bytes: bytes, dataType: info.desc.dataType))
                return addBuffer(.constant(index), bytes)
            }
            let target = try wanted ?? MemoryDescriptor(info.desc.dataType, info.desc.shape)
            var source = try info.layout ?? MemoryDescriptor(info.desc.dataType, info.desc.shape)
            // A filter's groups or a matrix's merged dimensions: the same elements under the kernel's shape.
            if source.shape != target.shape { source = try source.reshaped(target.shape) }
            program.constants.append(
                .init(
                    constant: constant, form: .reorder(from: source, to: target), bytes: target.byteCount,
                    dataType: info.desc.dataType))
            return addBuffer(.constant(index), target.byteCount)
        case .buffer(let buffer):
            let target = try wanted ?? MemoryDescriptor(info.desc.dataType, info.desc.shape)
            var source = try info.layout ?? MemoryDescriptor(info.desc.dataType, info.desc.shape)
            if source.shape != target.shape { source = try source.reshaped(target.shape) }
            if let kernel = transposition(from: source, to: target, info.desc.dataType) {
                let result = addBuffer(.activation, target.byteCount)
                addNative(kernel, inputs: [buffer], outputs: [result])
                return result
            }
            return try emitReorder(from: source, buffer, to: target)
        }
    }

    /// The copy between layouts without gaps where it is one that the vector kernels do; nil for others.
    private func transposition(
        from source: MemoryDescriptor, to target: MemoryDescriptor, _ type: DataType
    ) -> RegionCopyKernel? {
        guard type.bitWidth == 32, let from = source.strides, let to = target.strides else { return nil }
        let sizes = target.shape
        guard 4 * sizes.reduce(1, *) == target.byteCount, source.byteCount == target.byteCount else { return nil }
        let dimensions = sizes.indices.sorted { to[$0] > to[$1] }
            .map { CopyDimension(size: sizes[$0], source: from[$0], target: to[$0]) }
        let kernel = RegionCopyKernel([.init(elementBytes: 4, dimensions: dimensions)])
        return kernel.isVectorTransposition ? kernel : nil
    }

    private func same(_ left: MemoryDescriptor?, _ right: MemoryDescriptor?) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?): left.equals(right)
        default: false
        }
    }

    func addBuffer(_ kind: Program.Buffer.Kind, _ bytes: Int) -> Int {
        program.buffers.append(.init(kind: kind, bytes: bytes))
        return program.buffers.count - 1
    }

    func addStep(_ step: Program.Step) { program.steps.append(step) }

    private func add(_ info: Info) -> Value {
        values.append(info)
        return Value(id: values.count - 1)
    }

    private func byteCount(_ desc: TensorDesc) throws -> Int {
        guard let bytes = desc.byteCount else {
            throw GraphError.invalidNode(node: nodeName, type: "", reason: "the shape \(desc.shape) has no fixed size")
        }
        return bytes
    }
}
