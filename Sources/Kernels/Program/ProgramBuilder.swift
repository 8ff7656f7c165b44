// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// Collects the steps of a program while operators are lowered.
///
/// A value has a logical shape and a layout: row-major, with the channels innermost, or a view of either. The functions that
/// take values accept any layout and insert copies where needed.
public final class ProgramBuilder {
    /// Functions to apply to the result of the node being lowered, innermost first. The kernel that computes the result
    /// takes them over; what is left is applied afterwards by `applyFollowers`.
    package var followers: [FollowingFunction<Value>] = []
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
    private var reordered: [Int: [(layout: Layout, buffer: Int)]] = [:]
    /// Forms for the vector kernels in which constants exist already.
    private var packedForms: [Int: [(form: WeightForm, buffer: Int)]] = [:]

    struct Info {
        enum Source {
            case buffer(Int)
            /// A constant whose bytes lie as `Info.layout` says.
            case constant(Constant)
        }
        var desc: TensorDesc
        var layout: Layout
        var source: Source

        init(_ desc: TensorDesc, _ source: Source, _ layout: Layout? = nil) {
            self.desc = TensorDesc(desc.dataType, desc.shape)
            self.layout = layout ?? Layout(desc.shape)
            self.source = source
        }
    }

    package init(keepsNaN: Bool = false) { self.keepsNaN = keepsNaN }

    // MARK: Values

    /// Type and logical shape.
    public func desc(_ value: Value) -> TensorDesc { values[value.id].desc }
    public func shape(_ value: Value) -> [Int] { values[value.id].desc.shape }

    /// The value as a constant in row-major order, where it is one.
    public func constant(_ value: Value) -> Constant? {
        let info = values[value.id]
        guard case .constant(var constant) = info.source, info.layout.isRowMajor,
            constant.desc.dataType == info.desc.dataType
        else { return nil }
        constant.desc.shape = info.desc.shape
        return constant
    }

    /// A value for a constant of a 16-bit float in the weights, seen as one of float32.
    package func widened(_ constant: Constant) -> Value {
        add(Info(TensorDesc(.float, constant.desc.shape), .constant(constant)))
    }

    /// A value for a constant.
    public func constant(_ constant: Constant) -> Value {
        if case .inline(let bytes) = constant.data { madeBytes += bytes.count }
        return add(Info(constant.desc, .constant(constant)))
    }

    /// Whether the value is known when the program is built, so that any layout of it is free at run time.
    public func isConstant(_ value: Value) -> Bool {
        if case .constant = values[value.id].source { true } else { false }
    }

    /// Whether the value is dense row-major.
    public func isPlain(_ value: Value) -> Bool { layout(of: value).isRowMajor }

    /// The model's input `index`: dense row-major in the caller's buffer.
    package func input(_ index: Int, _ desc: TensorDesc) throws -> Value {
        let buffer = addBuffer(.input(index), try byteCount(desc))
        return add(Info(desc, .buffer(buffer)))
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
        guard let layout = info.layout.reshaped(shape) else { return try reshape(plain(value), to: shape) }
        info.layout = layout
        info.desc.shape = shape
        return add(info)
    }

    /// Dimension i of the result is dimension `permutation[i]` of `value`: a view.
    public func transpose(_ value: Value, _ permutation: [Int]) throws -> Value {
        if permutation == Array(permutation.indices) { return value }
        var info = values[value.id]
        info.layout = info.layout.transposed(permutation)
        info.desc.shape = info.layout.shape
        return add(info)
    }

    /// The same value, dense row-major.
    public func plain(_ value: Value) throws -> Value {
        var info = values[value.id]
        if info.layout.isRowMajor { return value }
        info.source = .buffer(try operandBuffer(value, nil))
        info.layout = Layout(info.desc.shape)
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
        return zip(outputs, targets).map { add(Info($0.0, .buffer($0.1))) }
    }

    private func addNative(
        _ kernel: any NativeKernel, inputs: [Int], outputs: [Int], countsResult: Bool = false
    ) {
        madeBytes += kernel.tableBytes
        program.steps.append(
            Program.Step(
                name: nodeName, type: nodeType, kernel: kernel, inputs: inputs, outputs: outputs,
                countsResult: countsResult))
    }

    /// Emits a kernel that works on elements in any order: the result lies as `x` does.
    public func roundToShort(_ x: Value, _ kernel: RoundToShortKernel) throws -> [Value] {
        let layout = self.layout(of: x)
        guard layout.memoryOrder != nil else { return try native(kernel, inputs: [x], outputs: [desc(x)]) }
        return [emit(kernel, inputs: [try operandBuffer(x, layout)], output: desc(x), layout: layout)]
    }

    /// Emits a native kernel on buffers, whose result has the descriptor `output`, known to be within limits, in the layout
    /// `layout`, which has no gaps.
    func emit(_ kernel: any NativeKernel, inputs: [Int], output: TensorDesc, layout: Layout) -> Value {
        let target = addBuffer(.activation, layout.elementCount * (output.dataType.bitWidth / 8))
        addNative(kernel, inputs: inputs, outputs: [target])
        return add(Info(output, .buffer(target), layout))
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

    /// The steps between a constant's elements in its own bytes, one for each dimension; nil where it is none.
    func constantStrides(_ value: Value) -> [Int]? { isConstant(value) ? layout(of: value).strides : nil }

    // MARK: Operands

    func layout(of value: Value) -> Layout { values[value.id].layout }

    /// A buffer that holds the value in the layout `wanted` (nil: dense row-major).
    func operandBuffer(_ value: Value, _ wanted: Layout?) throws -> Int {
        let info = values[value.id]
        let wanted = wanted ?? Layout(info.desc.shape)
        if case .buffer(let buffer) = info.source, info.layout == wanted { return buffer }
        if let existing = reordered[value.id]?.first(where: { $0.layout == wanted }) { return existing.buffer }
        let buffer = try makeCopy(info, wanted)
        reordered[value.id, default: []].append((wanted, buffer))
        return buffer
    }

    private func makeCopy(_ info: Info, _ wanted: Layout) throws -> Int {
        let bytes = try byteCount(info.desc)
        switch info.source {
        case .constant(let constant):
            let form: Program.PackedConstant.Form =
                info.layout == wanted ? .plain : .copy(from: info.layout, to: wanted)
            let buffer = addBuffer(.constant(program.constants.count), bytes)
            program.constants.append(
                .init(constant: constant, form: form, bytes: bytes, dataType: info.desc.dataType))
            return buffer
        case .buffer(let buffer):
            let result = addBuffer(.activation, bytes)
            let kernel = RegionCopyKernel(
                from: info.layout, to: wanted, elementBytes: info.desc.dataType.bitWidth / 8)
            addNative(kernel, inputs: [buffer], outputs: [result])
            return result
        }
    }

    func addBuffer(_ kind: Program.Buffer.Kind, _ bytes: Int) -> Int {
        program.buffers.append(.init(kind: kind, bytes: bytes))
        return program.buffers.count - 1
    }

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
