// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
    /// Resizes dimensions of a float tensor; nil where the vector kernels cannot.
    ///
    /// - output: descriptor of the result.
    public func resize(
        _ x: Value, _ axes: [ResizeAxis], _ method: ResizeMethod, output: TensorDesc
    ) throws -> Value? {
        guard desc(x).dataType == .float, !axes.isEmpty else { return nil }
        let shape = shape(x)
        let tables = axes.map { ResizeTaps($0, input: shape[$0.axis], method).vectorTaps }
        guard !tables.contains(where: { $0 == nil }) else { return nil }
        let isChannelsLast = layout(of: x).isChannelsLast
        let order = isChannelsLast ? Layout.channelsLastOrder(rank: shape.count) : Array(shape.indices)
        var sizes = order.map { shape[$0] }
        var rest: [(place: Int, taps: [ResizeLoop.Tap])] = []
        for (place, axis) in order.enumerated() {
            if let index = axes.firstIndex(where: { $0.axis == axis }), let taps = tables[index] {
                rest.append((place, taps))
            }
        }
        var buffer = try operandBuffer(x, isChannelsLast ? layout(of: x) : nil)
        // Innermost first, two neighbours at a time; one alone is the columns where nothing lies behind it, else the rows.
        while let last = rest.popLast() {
            let next = rest.last.flatMap { $0.place == last.place - 1 ? rest.popLast() : nil }
            let isInnermost = last.place == sizes.count - 1
            let (rows, columns) = next != nil || isInnermost ? (next, last) : (last, nil)
            let loop = ResizeLoop(
                outer: sizes[..<(rows ?? last).place].reduce(1, *), rows: rows.map { sizes[$0.place] } ?? 1,
                columns: columns.map { sizes[$0.place] } ?? 1, inner: sizes[(last.place + 1)...].reduce(1, *),
                outRows: rows?.taps.count ?? 1, outColumns: columns?.taps.count ?? 1, isLinear: method == .linear)
            for axis in [rows, columns] {
                if let axis { sizes[axis.place] = axis.taps.count }
            }
            let kernel = VectorResizeKernel(loop, rows: rows?.taps ?? [], columns: columns?.taps ?? [])
            guard rest.isEmpty else {
                buffer = try operandBuffer(
                    native(kernel, buffers: [buffer], outputs: [TensorDesc(.float, sizes)])[0], nil)
                continue
            }
            return emit(
                kernel, inputs: [buffer], output: output,
                layout: isChannelsLast ? .channelsLast(output.shape) : Layout(output.shape))
        }
        return nil
    }
}
