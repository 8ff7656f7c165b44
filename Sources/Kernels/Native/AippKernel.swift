// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// The image preprocessing of AIPP. Input 0 holds the images one after another; input 1 is there when `settings` is nil
/// and holds the parameters of each execution (see `AippParameterBlock`).
/// - images: number of images. - height, width: of the result. - isChannelsLast: layout of the result.
/// Nil for a type that AIPP does not produce.
/// Source: the arithmetic of the operator `Aipp` in CANN's public operator library.
public func aippKernel(
    _ settings: AippSettings?, images: Int, imageBytes: Int, channels: Int, height: Int, width: Int,
    isChannelsLast: Bool, to type: DataType
) -> (any NativeKernel)? {
    @inline(__always)
    func kernel<Output: AippElement>(_: Output.Type) -> any NativeKernel {
        SpecializedKernel(
            AippKernel<Output>(
                settings: settings, images: images, imageBytes: imageBytes, channels: channels, height: height,
                width: width, isChannelsLast: isChannelsLast))
    }
    switch type {
    case .float: return kernel(Float.self)
    case .float16: return kernel(Float16.self)
    case .uint8: return kernel(UInt8.self)
    default: return nil
    }
}

/// A type of AIPP's results.
private protocol AippElement: BitwiseCopyable, Sendable {
    init(padding: Float)
    init(sample: Int32, mean: Int32, minimum: Float, scale: Float)
}

extension Float: AippElement {
    @inline(__always) fileprivate init(padding: Float) { self = padding }
    @inline(__always) fileprivate init(sample: Int32, mean: Int32, minimum: Float, scale: Float) {
        self = (Float(sample &- mean) - minimum) * scale
    }
}

extension Float16: AippElement {
    @inline(__always) fileprivate init(padding: Float) { self = Float16(padding) }
    /// Rounded after each step, as the original's arithmetic is.
    @inline(__always) fileprivate init(sample: Int32, mean: Int32, minimum: Float, scale: Float) {
        let difference = Float16(Float(Float16(Float(sample &- mean))) - Float(Float16(minimum)))
        self = Float16(Float(difference) * Float(Float16(scale)))
    }
}

extension UInt8: AippElement {
    @inline(__always) fileprivate init(padding: Float) { self = UInt8(saturating: padding) }
    @inline(__always) fileprivate init(sample: Int32, mean: Int32, minimum: Float, scale: Float) {
        self = UInt8(truncatingIfNeeded: sample)
    }
}

private struct AippKernel<Output: AippElement>: NativeKernel {
    let settings: AippSettings?
    let images: Int
    let imageBytes: Int
    let channels: Int
    let height: Int
    let width: Int
    let isChannelsLast: Bool

    /// One part per row of the result, where there is enough work for several threads.
    var parts: Int { images * height * width > 1 << 14 ? images * height : 1 }

    func run(_ operands: KernelOperands) { unsafe rows(operands, 0..<images * height) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        unsafe rows(operands, self.parts == 1 ? 0..<images * height : parts)
    }

    private func rows(_ operands: KernelOperands, _ rows: Range<Int>) {
        for image in rows.lowerBound / height..<(rows.upperBound + height - 1) / height {
            let used = rows.clamped(to: image * height..<(image + 1) * height)
            guard let settings = unsafe settings(operands, of: image) else {
                for row in used { unsafe fill(operands, image, row % height) }
                continue
            }
            for row in used { unsafe compute(operands, image, row % height, settings) }
        }
    }

    /// Nil for parameters that do not fit the model: they are checked before each execution, but the caller may change
    /// them meanwhile, and nothing outside of the image may be read.
    private func settings(_ operands: KernelOperands, of image: Int) -> AippSettings? {
        if let settings { return settings }
        guard let found = unsafe AippParameterBlock(operands.inputs[1]).settings(of: image),
            found.isConsistent, found.outputHeight == height, found.outputWidth == width,
            found.isGrey || channels == 3, let bytes = found.format.byteCount(width: found.width, height: found.height),
            bytes <= imageBytes / images
        else { return nil }
        return found
    }

    private func fill(_ operands: KernelOperands, _ image: Int, _ row: Int) {
        for column in 0..<width { unsafe store(operands, image, row, column, .init(padding: 0)) { _ in nil } }
    }

    private func compute(_ operands: KernelOperands, _ image: Int, _ row: Int, _ settings: AippSettings) {
        let stride =
            self.settings == nil
            ? settings.format.byteCount(width: settings.width, height: settings.height) ?? 0 : imageBytes / images
        let source = unsafe UnsafeRawPointer(operands.inputs[0] + image * stride)
        let padding = Output(padding: settings.paddingValue)
        let y = settings.cropY + row - settings.paddingTop
        let insideRows = row >= settings.paddingTop && row < settings.paddingTop + settings.cropHeight
        for column in 0..<width {
            let inside =
                insideRows && column >= settings.paddingLeft && column < settings.paddingLeft + settings.cropWidth
            guard inside else {
                unsafe store(operands, image, row, column, padding) { _ in nil }
                continue
            }
            let x = settings.cropX + column - settings.paddingLeft
            var pixel = unsafe sample(source, settings, x, y) &- settings.inputBias
            if settings.swapsColors {
                let (one, other) = settings.format.isYUV ? (1, 2) : (0, 2)
                (pixel[one], pixel[other]) = (pixel[other], pixel[one])
            }
            unsafe store(operands, image, row, column, padding) { channel in
                let matrixRow = channel == 0 ? settings.red : channel == 1 ? settings.green : settings.blue
                let sum = (matrixRow &* pixel).wrappedSum()
                // The sum in 1/256, rounded: twice an integer and one is never halfway.
                let value = ((2 &* sum &+ 257) >> 9) &+ settings.outputBias[channel]
                return Output(
                    sample: min(max(value, 0), 255), mean: settings.mean[channel], minimum: settings.minimum[channel],
                    scale: settings.scale[channel])
            }
        }
    }

    /// The stored channels of one pixel.
    @inline(__always)
    private func sample(_ source: UnsafeRawPointer, _ settings: AippSettings, _ x: Int, _ y: Int) -> SIMD4<Int32> {
        @inline(__always) func byte(_ offset: Int) -> Int32 {
            Int32(unsafe source.load(fromByteOffset: offset, as: UInt8.self))
        }
        let pixel = y * settings.width + x
        switch settings.format {
        case .yuv400: return SIMD4(byte(pixel), 0, 0, 0)
        case .rgb888: return SIMD4(byte(3 * pixel), byte(3 * pixel + 1), byte(3 * pixel + 2), 0)
        case .xrgb8888:
            let first = 4 * pixel + (settings.unusedIsFirst ? 1 : 0)
            return SIMD4(byte(first), byte(first + 1), byte(first + 2), 0)
        case .yuv420sp:
            let pair = settings.width * settings.height + y / 2 * settings.width + x / 2 * 2
            return SIMD4(byte(pixel), byte(pair), byte(pair + 1), 0)
        }
    }

    /// Writes all channels of one pixel: what `value` gives, else `otherwise`.
    @inline(__always)
    private func store(
        _ operands: KernelOperands, _ image: Int, _ row: Int, _ column: Int, _ otherwise: Output,
        _ value: (Int) -> Output?
    ) {
        let plane = height * width
        let pixel = row * width + column
        for channel in 0..<channels {
            let index =
                image * channels * plane + (isChannelsLast ? pixel * channels + channel : channel * plane + pixel)
            unsafe operands.outputs[0].storeBytes(
                of: value(channel) ?? otherwise, toByteOffset: index * MemoryLayout<Output>.size, as: Output.self)
        }
    }
}
