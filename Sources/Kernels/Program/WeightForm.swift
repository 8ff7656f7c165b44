// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// How a constant of floats is stored for the vector kernels.
package struct WeightForm: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// [panels][window][channels][16].
        case panels
        /// A filter of 3 by 3 transformed for tiles of so many rows of the result, [panels][positions][channels][16], then
        /// the form `panels`, from which the filter comes back.
        case tiles(Int)
        /// [panels][16]: one number for each output.
        case row
    }
    package var kind: Kind
    /// Outputs, positions of the window, channels, and the steps between them in the constant, in elements.
    package var outputs, channels: Int
    package var window: [Int]
    package var outputStride, channelStride: Int
    package var windowStrides: [Int]
    /// Filters for channels of their own, one after another, and the step between them in the constant; outputs and
    /// channels are those of one.
    package var groups = 1
    package var groupStride = 0
    /// Which position of the window each stored one is; nil: they are in the constant's order.
    package var order: [Int]?

    private var panelsPerGroup: Int { (outputs + ConvolutionLoop.panel - 1) / ConvolutionLoop.panel }
    fileprivate var panels: Int { groups * panelsPerGroup }
    private var positions: Int { window.reduce(1, *) }

    package var byteCount: Int {
        let rows = panels * ConvolutionLoop.panel * positions
        return 4 * (kind == .row ? rows : transformed + rows * channels)
    }

    /// Elements of the transformed filter.
    private var transformed: Int {
        guard case .tiles(let tile) = kind else { return 0 }
        return panels * (tile + 2) * (tile + 2) * channels * ConvolutionLoop.panel
    }

    /// How far into the constant's elements this reaches.
    package var extent: Int {
        let reach = zip(window, windowStrides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
        return 1 + (groups - 1) * groupStride + (outputs - 1) * outputStride + (channels - 1) * channelStride + reach
    }

    /// The way back.
    ///
    /// Safety: `source` covers `byteCount` bytes, `target` covers `extent` floats.
    @unsafe
    package func unpack(_ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
        for panel in 0..<panels {
            forEachRow(of: panel) { original, packed, count in
                for lane in 0..<count {
                    unsafe target[original + lane * outputStride] = unsafe source[transformed + packed + lane]
                }
            }
        }
    }

    /// Calls `body` with the place of the first of each 16 neighbouring outputs in the constant and in the packed form, and
    /// how many of them there are.
    @inline(__always)
    private func forEachRow(of panel: Int, _ body: (_ original: Int, _ packed: Int, _ count: Int) -> Void) {
        let width = ConvolutionLoop.panel
        let group = panel / panelsPerGroup
        let first = (panel - group * panelsPerGroup) * width
        let count = min(width, outputs - first)
        let start = group * groupStride + first * outputStride
        for (position, offset) in offsets.enumerated() {
            let tap = start + offset
            let row = (panel * positions + position) * channels
            for channel in 0..<channels { body(tap + channel * channelStride, (row + channel) * width, count) }
        }
    }

    /// How far from the first element each stored position lies in the constant.
    fileprivate var offsets: [Int] { (0..<positions).map { offset(of: order?[$0] ?? $0) } }

    private func offset(of position: Int) -> Int {
        var (rest, offset) = (position, 0)
        for axis in window.indices.reversed() {
            offset += rest % window[axis] * windowStrides[axis]
            rest /= window[axis]
        }
        return offset
    }
}

/// Packs a constant of floats, which may lie at any address.
package struct WeightPackingKernel: NativeKernel {
    private let form: WeightForm
    private let positions: [Int]
    private let functions = CPULevel.current.functions

    package init(_ form: WeightForm) {
        self.form = form
        positions = form.offsets
    }

    package var tableBytes: Int { positions.count * MemoryLayout<Int>.stride }
    package var parts: Int { form.panels }

    package func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    package func run(_ operands: KernelOperands, parts: Range<Int>) {
        unsafe positions.withUnsafeBufferPointer { positions in
            var loop = unsafe PackingLoop(
                outputs: form.outputs, channels: form.channels, groups: form.groups, outputStep: form.outputStride,
                channelStep: form.channelStride, groupStep: form.groupStride, positions: positions, tile: 0)
            if case .tiles(let tile) = form.kind { loop.tile = tile }
            unsafe withUnsafePointer(to: loop) {
                unsafe functions.pack($0, operands.input(0), operands.output(0), parts)
            }
        }
    }
}
