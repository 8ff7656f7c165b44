// SPDX-License-Identifier: Apache-2.0

internal import CThreadTeam
internal import VectorFunctions

/// The memory that a loop's steps lie in.
@safe
final class StepList: @unchecked Sendable {
    /// Safe to share: never changed after creation.
    let steps: UnsafeBufferPointer<EpilogueStep>

    init(_ steps: [EpilogueStep]) {
        let memory = UnsafeMutableBufferPointer<EpilogueStep>.allocate(capacity: steps.count)
        _ = unsafe memory.initialize(from: steps)
        unsafe self.steps = UnsafeBufferPointer(memory)
    }

    deinit { unsafe steps.deallocate() }
}

/// A convolution by Winograd's minimal filtering; see `WinogradLoop`.
struct WinogradKernel: NativeKernel {
    private let loop: WinogradLoop
    private let steps: StepList
    private let functions = CPULevel.current.functions

    init(_ loop: WinogradLoop, _ steps: [EpilogueStep]) {
        self.steps = StepList(steps)
        var loop = Self.cut(loop)
        unsafe loop.convolution.epilogue = self.steps.steps
        self.loop = loop
    }

    var scratchBytes: Int { 4 * loop.scratchLength * loop.parts }
    var alarms: Int { Int(TEAM_INVALID) }
    var parts: Int { loop.parts }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        unsafe withUnsafePointer(to: loop) {
            unsafe functions.convolveByTiles(
                $0, operands.inputs, operands.output(0), operands.scratch.assumingMemoryBound(to: Float.self), parts)
        }
    }

    /// Bytes of transformed tiles that the second cache should hold.
    private static let cached = 640 << 10
    /// Tiles that fill the registers of every level.
    private static let batch = 24

    /// One part for each thread, since every part has scratch memory, and as much to do for each.
    private static func cut(_ loop: WinogradLoop) -> WinogradLoop {
        var loop = loop
        let threads = max(Parallel.threads, 1)
        let fitting = max(cached / (4 * loop.positions * loop.rowLength), batch)
        var blocks = max((loop.tiles + fitting - 1) / fitting, 1)
        let fair = (blocks + threads - 1) / threads * threads
        if loop.tiles >= fair * batch { blocks = fair }
        loop.tilesPerBlock = max((loop.tiles + blocks - 1) / blocks, 1)
        // Parts that share a block transform it for themselves, so they get some panels each.
        let groups = loop.blocks % threads == 0 ? 1 : max(min(threads, loop.convolution.panels / 4), 1)
        let atOnce = WinogradLoop.panelsAtOnce
        loop.panelsPerGroup = max((loop.convolution.panels + groups * atOnce - 1) / (groups * atOnce), 1) * atOnce
        loop.parts = max(min(threads, loop.blocks * loop.groups), 1)
        return loop
    }
}

struct VectorSoftmaxKernel: NativeKernel {
    let loop: SoftmaxLoop
    private let functions = CPULevel.current.functions

    init(_ loop: SoftmaxLoop) { self.loop = loop }

    var canRunInPlace: Bool { true }
    var parts: Int { loop.parts }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        unsafe withUnsafePointer(to: loop) {
            unsafe functions.softmax($0, operands.input(0), operands.output(0), parts)
        }
    }
}

struct VectorFoldKernel: NativeKernel {
    let loop: FoldLoop
    private let functions = CPULevel.current.functions

    init(_ loop: FoldLoop) { self.loop = loop }

    /// Rows of a part, so that it is worth another thread.
    private var group: Int { max(1, 16384 / max(loop.length * min(loop.inner, FoldLoop.columns), 1)) }
    var parts: Int { max(1, (loop.parts + group - 1) / group) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let parts = parts.lowerBound * group..<min(parts.upperBound * group, loop.parts)
        unsafe withUnsafePointer(to: loop) {
            unsafe functions.fold($0, operands.input(0), operands.output(0), parts)
        }
    }
}

struct VectorArgumentKernel: NativeKernel {
    let loop: ArgumentLoop
    private let functions = CPULevel.current.functions

    init(_ loop: ArgumentLoop) { self.loop = loop }

    private var group: Int { max(1, 16384 / max(loop.length * min(loop.inner, FoldLoop.columns), 1)) }
    var parts: Int { max(1, (loop.parts + group - 1) / group) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let parts = parts.lowerBound * group..<min(parts.upperBound * group, loop.parts)
        unsafe withUnsafePointer(to: loop) {
            unsafe functions.findArgument($0, operands.input(0), operands.outputs[0], parts)
        }
    }
}

struct VectorNormalizationKernel: NativeKernel {
    let loop: NormalizationLoop
    private let functions = CPULevel.current.functions

    init(_ loop: NormalizationLoop) { self.loop = loop }

    var canRunInPlace: Bool { true }

    private var group: Int { max(1, 16384 / max(loop.length, 1)) }
    var parts: Int { max(1, (loop.rows + group - 1) / group) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let rows = parts.lowerBound * group..<min(parts.upperBound * group, loop.rows)
        unsafe withUnsafePointer(to: loop) {
            unsafe functions.normalize($0, operands.inputs, operands.output(0), rows)
        }
    }
}

struct VectorConversionKernel: NativeKernel {
    let conversion: ElementConversion
    let inputBytes, outputBytes: Int
    let count: Int
    private let functions = CPULevel.current.functions

    init(_ conversion: ElementConversion, inputBytes: Int, outputBytes: Int, count: Int) {
        self.conversion = conversion
        self.inputBytes = inputBytes
        self.outputBytes = outputBytes
        self.count = count
    }

    var canRunInPlace: Bool { inputBytes == outputBytes }

    private var partLength: Int { 16384 }
    var parts: Int { max(1, (count + partLength - 1) / partLength) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let start = parts.lowerBound * partLength
        let end = min(parts.upperBound * partLength, count)
        unsafe functions.convert(
            conversion, operands.inputs[0] + start * inputBytes, operands.outputs[0] + start * outputBytes, end - start)
    }
}

/// See `RecurrentLoop` for the operands.
struct VectorRecurrentKernel: NativeKernel {
    let loop: RecurrentLoop
    private let functions = CPULevel.current.functions

    init(_ loop: RecurrentLoop) { self.loop = loop }

    var scratchBytes: Int { 4 * parts * loop.scratchPerPart }
    var parts: Int { loop.parts }

    func check(_ operands: KernelOperands) -> IndexFailure? {
        guard loop.lengths >= 0 else { return nil }
        return unsafe lengthFailure(
            operands.inputs[loop.lengths], input: RecurrentPlan.lengthsInput, Int32.self, count: loop.batch,
            longest: loop.steps)
    }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        unsafe withUnsafePointer(to: loop) {
            unsafe functions.recur(
                $0, operands.inputs, operands.outputs, operands.scratch.assumingMemoryBound(to: Float.self), parts)
        }
    }
}

/// Steps applied to each element of input 0, in whatever order those lie in memory.
struct VectorStepsKernel: NativeKernel {
    private let steps: StepList
    let count: Int
    /// Elements of a row that operands by channel or row repeat over; 1 where there are none.
    let rowLength: Int
    private let functions = CPULevel.current.functions

    init(_ steps: [EpilogueStep], count: Int, rowLength: Int) {
        self.steps = StepList(steps)
        self.count = count
        let seesRows = steps.contains {
            guard case .combine(_, let operand, _) = $0.action else { return false }
            return operand == .ofChannel || operand == .ofRow
        }
        self.rowLength = seesRows ? max(rowLength, 1) : 1
    }

    var canRunInPlace: Bool { true }

    private var partLength: Int { (8192 + rowLength - 1) / rowLength * rowLength }
    var parts: Int { max(1, (count + partLength - 1) / partLength) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        for part in parts {
            let elements = part * partLength..<min((part + 1) * partLength, count)
            unsafe functions.applySteps(
                steps.steps, operands.inputs, operands.input(0), operands.output(0), elements, rowLength)
        }
    }
}
