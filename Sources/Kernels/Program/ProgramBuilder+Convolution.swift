// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

/// How a window moves over the spatial dimensions; one entry per spatial dimension.
public struct ConvolutionGeometry: Equatable, Sendable {
    public var strides: [Int]
    /// 1 is a dense window.
    public var dilations: [Int]
    public var padsBegin: [Int]
    public var padsEnd: [Int]
    public var groups: Int

    public init(strides: [Int], dilations: [Int], padsBegin: [Int], padsEnd: [Int], groups: Int) {
        self.strides = strides
        self.dilations = dilations
        self.padsBegin = padsBegin
        self.padsEnd = padsEnd
        self.groups = groups
    }
}

extension ProgramBuilder {
    /// Cross-correlation of `x` [N, C, spatial…] with `filter` [O, C / groups, window…], plus `bias` [O].
    public func convolution(
        _ x: Value, filter: Value, bias: Value?, _ geometry: ConvolutionGeometry, output: TensorDesc
    ) throws -> Value {
        try convolve(x, filter, bias, geometry, output, isTransposed: false)
    }

    /// The transpose of a convolution: `x` [N, C, spatial…], `filter` [C, O / groups, window…], `bias` [O].
    public func deconvolution(
        _ x: Value, filter: Value, bias: Value?, _ geometry: ConvolutionGeometry, output: TensorDesc
    ) throws -> Value {
        try convolve(x, filter, bias, geometry, output, isTransposed: true)
    }

    private func convolve(
        _ x: Value, _ filter: Value, _ bias: Value?, _ geometry: ConvolutionGeometry, _ output: TensorDesc,
        isTransposed: Bool
    ) throws -> Value {
        let (image, window) = (shape(x), shape(filter))
        guard desc(x).dataType == .float, !(image + window + output.shape).contains(0),
            let plan = ConvolutionPlan(image, window, output.shape, geometry, isTransposed: isTransposed)
        else {
            return try directConvolution(
                x, filter, bias, geometry, output: output, isTransposed: isTransposed)
        }
        var loops = plan.loops
        let filterStrides = constantStrides(filter)
        // A view of a filter that is computed is made dense first.
        let strides = filterStrides ?? Layout(window).strides
        var choice = KernelChoice.convolution(loops, keepsNaN: keepsNaN, isConstant: filterStrides != nil)
        var form = plan.form(.panels, strides)
        var source = Layout.channelsLast(image)
        let layout = Layout.channelsLast(output.shape)
        if case .byChannel = choice {
            if let row = plan.formByChannel(strides) { form = row } else { choice = .byRow }
        }
        if case .tiles(let tile) = choice { form.kind = .tiles(tile) }
        if case .byRow = choice, plan.order == nil, isPlain(x), geometry.groups == 1, loops[0].planes == 1,
            loops[0].channels < ConvolutionLoop.panel
        {
            // So few channels lie plane by plane as well as they would side by side.
            let planar = plan.planar(strides)
            (loops, form, source) = ([planar.loop], planar.form, Layout(image))
        }
        var inputs = [try operandBuffer(x, source), try weights(filter, form)]
        var steps: [EpilogueStep] = []
        try add(bias, to: &inputs, &loops[0], &steps, groups: form.groups)
        for index in loops.indices { loops[index].hasBias = loops[0].hasBias }
        var (divides, method) = (true, VectorConvolutionKernel.Method.direct)
        switch choice {
        case .direct: break
        case .byRow: method = .byRow
        case .byChannel: method = .byChannel
        case .tiles: divides = false
        }
        // Pixels of few channels that are apart are worth a step of their own, which sees them side by side.
        if loops[0].grid == nil || output.shape[1] >= ConvolutionLoop.panel {
            try takeSteps(&steps, &inputs, result: output.shape, channel: 1, layout: layout, divides: divides)
        }
        if case .tiles(let tile) = choice {
            let kernel = WinogradKernel(WinogradLoop(loops[0], tile: tile), steps)
            return emit(kernel, inputs: inputs, output: output, layout: layout)
        }
        let kernel = VectorConvolutionKernel(method, loops, steps)
        return emit(kernel, inputs: inputs, output: output, layout: layout)
    }

    /// A buffer with a filter or a matrix in a form of the vector kernels: stored so where it is constant, else packed by a
    /// step.
    func weights(_ filter: Value, _ form: WeightForm) throws -> Int {
        if constantStrides(filter) != nil { return try packed(filter, form) }
        let packed = try native(
            WeightPackingKernel(form), inputs: [filter], outputs: [TensorDesc(.float, [form.byteCount / 4])])
        return try operandBuffer(packed[0], nil)
    }

    /// A convolution or its transpose by a plain loop: for doubles, tensors without elements, and enormous strides.
    private func directConvolution(
        _ x: Value, _ filter: Value, _ bias: Value?, _ geometry: ConvolutionGeometry, output: TensorDesc,
        isTransposed: Bool
    ) throws -> Value {
        let kernel = directConvolutionKernel(
            desc(x).dataType, x: shape(x), filter: shape(filter), output: output.shape, geometry,
            isTransposed: isTransposed, hasBias: bias != nil)
        guard let kernel else {
            throw GraphError.invalidNode(node: nodeName, type: nodeType, reason: "there is no kernel for its type")
        }
        return try native(kernel, inputs: [x, filter] + (bias.map { [$0] } ?? []), outputs: [output])[0]
    }
}
