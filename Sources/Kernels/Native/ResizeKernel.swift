// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// How a position in the output becomes one in the input.
public enum ResizeCoordinates: Sendable, Equatable {
    case halfPixel, halfPixelSymmetric, alignCorners, asymmetric
    /// (x + 0.5) / scale.
    case halfPixelWithoutShift
    /// Always 0.
    case first
    /// The part from `start` to `end`, as shares of the input; positions outside of the input get the value `outside`.
    case crop(start: Float, end: Float, outside: Float)
}

public enum ResizeMethod: Sendable, Equatable {
    public enum Rounding: Sendable { case floor, ceil, preferFloor, preferCeil }
    case nearest(Rounding), linear, cubic(coefficient: Float, excludesOutside: Bool)
}

/// A dimension that changes its size.
public struct ResizeAxis: Sendable {
    public let axis: Int
    public let output: Int
    /// nil: the ratio of the sizes.
    public let scale: Float?
    public let coordinates: ResizeCoordinates

    public init(axis: Int, output: Int, scale: Float?, coordinates: ResizeCoordinates) {
        self.axis = axis
        self.output = output
        self.scale = scale
        self.coordinates = coordinates
    }

    /// The input position of output position `place`. In float32, as ONNX Runtime calculates it: where a position falls
    /// on a boundary, the rounding decides.
    func position(_ place: Int, input: Int) -> Float {
        let scale = scale ?? Float(output) / Float(input)
        let place = Float(place)
        switch coordinates {
        case .halfPixel: return (place + 0.5) / scale - 0.5
        case .halfPixelWithoutShift: return (place + 0.5) / scale
        case .asymmetric: return place / scale
        case .alignCorners: return output == 1 ? 0 : place * Float(input - 1) / Float(output - 1)
        case .first: return 0
        case .halfPixelSymmetric:
            let adjustment = Float(output) / (scale * Float(input))
            let centre = Float(input) / 2
            return centre * (1 - adjustment) + (place + 0.5) / scale - 0.5
        case .crop(let start, let end, _):
            let last = Float(input - 1)
            return output > 1
                ? start * last + place * (end - start) * last / Float(output - 1) : 0.5 * (start + end) * last
        }
    }
}

/// The kernel that resizes the middle dimension of a tensor [outer, input, inner]; nil for types without one. Numbers
/// other than floats can only be picked, not mixed: linear and cubic round and saturate.
public func resizeKernel(
    _ type: DataType, outer: Int, input: Int, inner: Int, _ axis: ResizeAxis, _ method: ResizeMethod
) -> (any NativeKernel)? {
    let taps = ResizeTaps(axis, input: input, method)
    switch type {
    case .float: return SpecializedKernel(ResizeKernel<RealBlend<Float>>(outer: outer, inner: inner, taps: taps))
    case .double: return SpecializedKernel(ResizeKernel<RealBlend<Double>>(outer: outer, inner: inner, taps: taps))
    case .float16: return SpecializedKernel(ResizeKernel<RealBlend<Float16>>(outer: outer, inner: inner, taps: taps))
    case .bfloat16: return SpecializedKernel(ResizeKernel<RealBlend<BFloat16>>(outer: outer, inner: inner, taps: taps))
    case .int8: return SpecializedKernel(ResizeKernel<IntegerBlend<Int8>>(outer: outer, inner: inner, taps: taps))
    case .int16: return SpecializedKernel(ResizeKernel<IntegerBlend<Int16>>(outer: outer, inner: inner, taps: taps))
    case .int32: return SpecializedKernel(ResizeKernel<IntegerBlend<Int32>>(outer: outer, inner: inner, taps: taps))
    case .int64: return SpecializedKernel(ResizeKernel<IntegerBlend<Int64>>(outer: outer, inner: inner, taps: taps))
    case .uint8: return SpecializedKernel(ResizeKernel<IntegerBlend<UInt8>>(outer: outer, inner: inner, taps: taps))
    case .uint16: return SpecializedKernel(ResizeKernel<IntegerBlend<UInt16>>(outer: outer, inner: inner, taps: taps))
    case .uint32: return SpecializedKernel(ResizeKernel<IntegerBlend<UInt32>>(outer: outer, inner: inner, taps: taps))
    case .uint64: return SpecializedKernel(ResizeKernel<IntegerBlend<UInt64>>(outer: outer, inner: inner, taps: taps))
    default: return nil
    }
}

/// Which input elements make up each output element.
struct ResizeTaps: Sendable {
    let input: Int
    let output: Int
    /// Elements per output: 1, 2 or 4.
    let width: Int
    /// `width` entries for each output.
    private(set) var indices: [Int32] = []
    private(set) var weights: [Float] = []
    /// The value of outputs that lie outside of the input, whose first index is −1.
    let outside: Float

    init(_ axis: ResizeAxis, input: Int, _ method: ResizeMethod) {
        self.input = input
        output = axis.output
        if case .crop(_, _, let value) = axis.coordinates { outside = value } else { outside = 0 }
        width =
            switch method {
            case .nearest: 1
            case .linear: 2
            case .cubic: 4
            }
        indices.reserveCapacity(output * width)
        weights.reserveCapacity(output * width)
        for place in 0..<output {
            let position = axis.position(place, input: input)
            if case .crop = axis.coordinates, position < 0 || position > Float(input - 1) {
                indices += Array(repeating: -1, count: width)
                weights += Array(repeating: 0, count: width)
            } else {
                append(position, method)
            }
        }
    }

    private mutating func append(_ position: Float, _ method: ResizeMethod) {
        switch method {
        case .nearest(let rounding):
            let rounded =
                switch rounding {
                case .floor: position.rounded(.down)
                case .ceil: position.rounded(.up)
                case .preferFloor: (position - 0.5).rounded(.up)
                case .preferCeil: (position + 0.5).rounded(.down)
                }
            indices.append(clamp(rounded))
            weights.append(1)
        case .linear:
            let inside = min(max(position, 0), Float(input - 1))
            let low = inside.rounded(.down)
            indices += [clamp(low), clamp(low + 1)]
            weights += [1 - (inside - low), inside - low]
        case .cubic(let a, let excludesOutside):
            let base = position.rounded(.down)
            let x = position - base
            var values = [
                ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a, ((a + 2) * x - (a + 3)) * x * x + 1,
                ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1,
                ((a * (2 - x) - 5 * a) * (2 - x) + 8 * a) * (2 - x) - 4 * a,
            ]
            if excludesOutside {
                for tap in 0..<4 where base + Float(tap - 1) < 0 || base + Float(tap - 1) > Float(input - 1) {
                    values[tap] = 0
                }
                let sum = values.reduce(0, +)
                values = values.map { $0 / sum }
            }
            indices += (0..<4).map { clamp(base + Float($0 - 1)) }
            weights += values
        }
    }

    /// As an integer at last: the nearest float of a large size may lie beyond it.
    private func clamp(_ position: Float) -> Int32 {
        min(max(Int32(saturating: position), 0), Int32(clamping: input - 1))
    }
}

/// How elements are weighted and added.
protocol Blend: Sendable {
    associatedtype Element: Kernels.Element
    associatedtype Sum: Real
    static func widen(_ element: Element) -> Sum
    static func narrow(_ sum: Sum) -> Element
}

struct RealBlend<Element: Kernels.Element>: Blend where Element.Wide: Real {
    @inline(__always) static func widen(_ element: Element) -> Element.Wide { element.wide }
    @inline(__always) static func narrow(_ sum: Element.Wide) -> Element { Element(wide: sum) }
}

/// Drops the fraction of the sum, as ONNX Runtime does.
struct IntegerBlend<Element: FixedWidthInteger & PlainElement>: Blend {
    @inline(__always) static func widen(_ element: Element) -> Double { Double(element) }
    @inline(__always) static func narrow(_ sum: Double) -> Element { Element(saturating: sum) }
}

struct ResizeKernel<B: Blend>: NativeKernel {
    let outer: Int
    let inner: Int
    let taps: ResizeTaps

    var tableBytes: Int { 8 * taps.indices.count }

    /// A part is some of the outer blocks, or of the rows of a block where these are large.
    private var rows: Int { outer * taps.output }
    private var group: Int { max(1, 16384 / max(inner * taps.width, 1)) }
    var parts: Int { max(1, (rows + group - 1) / group) }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let x = unsafe operands.input(0, as: B.Element.self)
        let y = unsafe operands.output(0, as: B.Element.self)
        var row = parts.lowerBound * group
        let end = min(parts.upperBound * group, rows)
        while row < end {
            let (block, first) = (row / taps.output, row % taps.output)
            let last = min(taps.output, first + end - row)
            let source = unsafe x + block * taps.input * inner
            let target = unsafe y + block * taps.output * inner
            unsafe taps.indices.withUnsafeBufferPointer { indices in
                unsafe taps.weights.withUnsafeBufferPointer { weights in
                    guard let indices = indices.baseAddress, let weights = weights.baseAddress else { return }
                    if inner == 1 {
                        unsafe fillLine(first..<last, source, target, indices, weights)
                    } else {
                        for place in first..<last {
                            unsafe fill(
                                source, target + place * inner, indices + place * taps.width,
                                weights + place * taps.width)
                        }
                    }
                }
            }
            row += last - first
        }
    }

    private func outside() -> B.Element { B.narrow(B.Sum(taps.outside)) }

    /// Elements `places` of a line.
    @inline(__always)
    private func fillLine(
        _ places: Range<Int>, _ source: UnsafePointer<B.Element>, _ target: UnsafeMutablePointer<B.Element>,
        _ indices: UnsafePointer<Int32>, _ weights: UnsafePointer<Float>
    ) {
        switch taps.width {
        case 1:
            for place in places {
                let index = unsafe Int(indices[place])
                unsafe target[place] = index < 0 ? outside() : source[index]
            }
        case 2: unsafe mixLine(places, source, target, indices, weights, width: 2)
        default: unsafe mixLine(places, source, target, indices, weights, width: 4)
        }
    }

    @inline(__always)
    private func mixLine(
        _ places: Range<Int>, _ source: UnsafePointer<B.Element>, _ target: UnsafeMutablePointer<B.Element>,
        _ indices: UnsafePointer<Int32>, _ weights: UnsafePointer<Float>, width: Int
    ) {
        for place in places {
            let first = place * width
            if unsafe indices[first] < 0 {
                unsafe target[place] = outside()
                continue
            }
            var sum: B.Sum = 0
            for tap in first..<first + width {
                sum += unsafe B.Sum(weights[tap]) * B.widen(source[Int(indices[tap])])
            }
            unsafe target[place] = B.narrow(sum)
        }
    }

    /// A row of `inner` elements.
    @inline(__always)
    private func fill(
        _ source: UnsafePointer<B.Element>, _ target: UnsafeMutablePointer<B.Element>,
        _ indices: UnsafePointer<Int32>, _ weights: UnsafePointer<Float>
    ) {
        if unsafe indices[0] < 0 {
            return unsafe target.update(repeating: outside(), count: inner)
        }
        switch taps.width {
        case 1: unsafe target.update(from: source + Int(indices[0]) * inner, count: inner)
        case 2:
            let (a, b) = unsafe (source + Int(indices[0]) * inner, source + Int(indices[1]) * inner)
            let (p, q) = unsafe (B.Sum(weights[0]), B.Sum(weights[1]))
            for column in 0..<inner {
                unsafe target[column] = B.narrow(p * B.widen(a[column]) + q * B.widen(b[column]))
            }
        default:
            let (a, b) = unsafe (source + Int(indices[0]) * inner, source + Int(indices[1]) * inner)
            let (c, d) = unsafe (source + Int(indices[2]) * inner, source + Int(indices[3]) * inner)
            let (p, q) = unsafe (B.Sum(weights[0]), B.Sum(weights[1]))
            let (r, s) = unsafe (B.Sum(weights[2]), B.Sum(weights[3]))
            for column in 0..<inner {
                let early = unsafe p * B.widen(a[column]) + q * B.widen(b[column])
                let late = unsafe r * B.widen(c[column]) + s * B.widen(d[column])
                unsafe target[column] = B.narrow(early + late)
            }
        }
    }
}
