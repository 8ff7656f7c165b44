// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// Sizes of a pooling: image and output [N, C, spatial…], the rest one number per spatial dimension.
public struct PoolingGeometry: Sendable {
    let image, output, window, strides, dilations, padsBegin, padsEnd: [Int]

    public init(
        image: [Int], output: [Int], window: [Int], strides: [Int], dilations: [Int], padsBegin: [Int], padsEnd: [Int]
    ) {
        func spread(_ values: some Collection<Int>, _ filler: Int) -> [Int] {
            Array(repeating: filler, count: 3 - values.count) + values
        }
        self.image = [image[0] * image[1]] + spread(image[2...], 1)
        self.output = spread(output[2...], 1)
        self.window = spread(window, 1)
        self.strides = spread(strides, 1)
        self.dilations = spread(dilations, 1)
        self.padsBegin = spread(padsBegin, 0)
        self.padsEnd = spread(padsEnd, 0)
    }
}

public enum PoolingFunction: Sendable {
    case maximum
    /// `divisor` other than 0 takes the place of the number of elements. That number is the elements of the window that
    /// lie in the image, or with the padding included in the padded image.
    case average(excludesPadding: Bool, divisor: Int)
}

/// A pooling for types that the vector kernels do not take; nil for types without a kernel.
public func poolingKernel(
    _ type: DataType, _ geometry: PoolingGeometry, _ function: PoolingFunction
) -> (any NativeKernel)? {
    switch (type, function) {
    case (.float, .maximum):
        SpecializedKernel(PoolingKernel<Float, MaximumOf<Float>>(geometry, .init(lowest: -.infinity)))
    case (.double, .maximum):
        SpecializedKernel(PoolingKernel<Double, MaximumOf<Double>>(geometry, .init(lowest: -.infinity)))
    case (.float16, .maximum):
        SpecializedKernel(PoolingKernel<Float16, MaximumOf<Float>>(geometry, .init(lowest: -.infinity)))
    case (.bfloat16, .maximum):
        SpecializedKernel(PoolingKernel<BFloat16, MaximumOf<Float>>(geometry, .init(lowest: -.infinity)))
    case (.int8, .maximum): SpecializedKernel(PoolingKernel<Int8, MaximumOf<Int8>>(geometry, .init(lowest: .min)))
    case (.uint8, .maximum): SpecializedKernel(PoolingKernel<UInt8, MaximumOf<UInt8>>(geometry, .init(lowest: .min)))
    case (.float, .average(let excludes, let divisor)):
        SpecializedKernel(
            PoolingKernel<Float, MeanOf<Float>>(geometry, .init(excludesPadding: excludes, divisor: divisor)))
    case (.double, .average(let excludes, let divisor)):
        SpecializedKernel(
            PoolingKernel<Double, MeanOf<Double>>(geometry, .init(excludesPadding: excludes, divisor: divisor)))
    case (.float16, .average(let excludes, let divisor)):
        SpecializedKernel(
            PoolingKernel<Float16, MeanOf<Float>>(geometry, .init(excludesPadding: excludes, divisor: divisor)))
    case (.bfloat16, .average(let excludes, let divisor)):
        SpecializedKernel(
            PoolingKernel<BFloat16, MeanOf<Float>>(geometry, .init(excludesPadding: excludes, divisor: divisor)))
    default: nil
    }
}

/// How the elements of a window become one.
protocol WindowFold: Sendable {
    associatedtype Value: BitwiseCopyable
    var initial: Value { get }
    func add(_ state: Value, _ element: Value) -> Value
    func finish(_ state: Value, inImage: Int, inPaddedImage: Int) -> Value
}

struct MaximumOf<Value: Comparable & BitwiseCopyable & Sendable>: WindowFold {
    let lowest: Value
    var initial: Value { lowest }
    /// A NaN, the only value that differs from itself, stays.
    @inline(__always) func add(_ state: Value, _ element: Value) -> Value {
        element > state || element != element ? element : state
    }
    @inline(__always) func finish(_ state: Value, inImage: Int, inPaddedImage: Int) -> Value { state }
}

struct MeanOf<Value: Real>: WindowFold {
    let excludesPadding: Bool
    let divisor: Int
    var initial: Value { 0 }
    @inline(__always) func add(_ state: Value, _ element: Value) -> Value { state + element }
    @inline(__always) func finish(_ state: Value, inImage: Int, inPaddedImage: Int) -> Value {
        if divisor != 0 { return state / Value(divisor) }
        let count = excludesPadding ? inImage : inPaddedImage
        return count == 0 ? 0 : state / Value(count)
    }
}

struct PoolingKernel<T: Element, F: WindowFold>: NativeKernel where F.Value == T.Wide {
    private let geometry: PoolingGeometry
    private let fold: F

    init(_ geometry: PoolingGeometry, _ fold: F) {
        self.geometry = geometry
        self.fold = fold
    }

    func run(_ operands: KernelOperands) {
        let image = unsafe operands.input(0, as: T.self)
        let output = unsafe operands.output(0, as: T.self)
        let size = geometry.image
        var next = 0
        for plane in 0..<size[0] {
            let source = unsafe image + plane * size[1] * size[2] * size[3]
            for depth in 0..<geometry.output[0] {
                let (depths, paddedDepths) = taps(0, depth)
                for row in 0..<geometry.output[1] {
                    let (rows, paddedRows) = taps(1, row)
                    for column in 0..<geometry.output[2] {
                        let (columns, paddedColumns) = taps(2, column)
                        var state = fold.initial
                        for d in depths {
                            let z = position(0, depth, d)
                            for r in rows {
                                let line = (z * size[2] + position(1, row, r)) * size[3]
                                for c in columns {
                                    state = unsafe fold.add(state, source[line + position(2, column, c)].wide)
                                }
                            }
                        }
                        unsafe output[next] = T(
                            wide: fold.finish(
                                state, inImage: depths.count * rows.count * columns.count,
                                inPaddedImage: paddedDepths * paddedRows * paddedColumns))
                        next += 1
                    }
                }
            }
        }
    }

    @inline(__always)
    private func position(_ dimension: Int, _ place: Int, _ tap: Int) -> Int {
        place * geometry.strides[dimension] - geometry.padsBegin[dimension] + tap * geometry.dilations[dimension]
    }

    /// The taps of the window at `place` that lie in the image, and how many lie in the padded image.
    @inline(__always)
    private func taps(_ dimension: Int, _ place: Int) -> (Range<Int>, padded: Int) {
        let start = position(dimension, place, 0)
        let step = geometry.dilations[dimension]
        let length = geometry.window[dimension]
        let size = geometry.image[dimension + 1]
        let first = start < 0 ? (-start + step - 1) / step : 0
        let end = min(length, max(0, (size - start + step - 1) / step))
        let padded = min(length, max(0, (size + geometry.padsEnd[dimension] - start + step - 1) / step))
        return (min(first, end)..<end, padded)
    }
}
