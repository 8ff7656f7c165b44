// SPDX-License-Identifier: Apache-2.0

public import GEGraph
internal import VectorFunctions

extension ProgramBuilder {
    /// Pools a float tensor [N, C, spatial…] without empty dimensions, in its layout if that is row-major or has the
    /// channels innermost.
    public func pooling(
        _ x: Value, _ geometry: PoolingGeometry, _ function: PoolingFunction, output: TensorDesc
    ) throws -> Value {
        let image = shape(x)
        func sizes(_ values: [Int]) -> PoolingLoop.Sizes { (values[0], values[1], values[2]) }
        var loop = PoolingLoop(
            isMaximum: true, excludesPadding: false, divisor: 0, batch: image[0], channels: image[1],
            image: sizes(Array(geometry.image[1...])), output: sizes(geometry.output), window: sizes(geometry.window),
            strides: sizes(geometry.strides), dilations: sizes(geometry.dilations),
            padsBegin: sizes(geometry.padsBegin), padsEnd: sizes(geometry.padsEnd))
        if case .average(let excludesPadding, let divisor) = function {
            (loop.isMaximum, loop.excludesPadding, loop.divisor) = (false, excludesPadding, divisor)
        }
        // The lines of wide windows would take more memory than they are worth.
        if isPlain(x), loop.lineLength <= 1 << 16 {
            loop.batch *= loop.channels
            loop.channels = 1
            return try native(VectorRowPoolingKernel(loop), inputs: [x], outputs: [output])[0]
        }
        let source = try operandBuffer(x, .channelsLast(image))
        return emit(
            VectorPoolingKernel(loop), inputs: [source], output: output, layout: .channelsLast(output.shape)
        )
    }
}
