// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// Resizes up to two neighbouring dimensions of a float tensor; see `ResizeLoop`.
struct VectorResizeKernel: NativeKernel {
    private let loop: ResizeLoop
    /// Empty where rows or columns stay.
    private let rowTaps, columnTaps: [ResizeLoop.Tap]
    private let functions = CPULevel.current.functions

    init(_ loop: ResizeLoop, rows: [ResizeLoop.Tap], columns: [ResizeLoop.Tap]) {
        var loop = loop
        loop.parts = max(1, min(Parallel.threads, loop.outer * loop.outRows))
        self.loop = loop
        rowTaps = rows
        columnTaps = columns
    }

    var tableBytes: Int { MemoryLayout<ResizeLoop.Tap>.stride * (rowTaps.count + columnTaps.count) }
    var scratchBytes: Int { loop.isLinear ? 4 * loop.rowLength * loop.parts : 0 }
    var parts: Int { loop.parts }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        // Safe: the tables outlive the call.
        unsafe rowTaps.withUnsafeBufferPointer { rows in
            unsafe columnTaps.withUnsafeBufferPointer { columns in
                var loop = loop
                unsafe loop.rowTaps = rows.isEmpty ? nil : rows.baseAddress
                unsafe loop.columnTaps = columns.isEmpty ? nil : columns.baseAddress
                unsafe withUnsafePointer(to: loop) {
                    unsafe functions.resize(
                        $0, operands.input(0), operands.output(0),
                        operands.scratch.assumingMemoryBound(to: Float.self), parts)
                }
            }
        }
    }
}

extension ResizeTaps {
    /// The same for the vector kernels; nil for cubic mixtures and where positions lie outside of the input.
    var vectorTaps: [ResizeLoop.Tap]? {
        guard width <= 2, !indices.contains(-1) else { return nil }
        return (0..<output).map { place in
            width == 1
                ? .init(first: indices[place], second: indices[place], share: 0)
                : .init(first: indices[2 * place], second: indices[2 * place + 1], share: weights[2 * place + 1])
        }
    }
}
