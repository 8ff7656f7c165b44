// SPDX-License-Identifier: Apache-2.0

public import GEGraph

/// What a row of numbers is turned into.
public enum SoftmaxFunction: Sendable {
    case softmax, logSoftmax
    /// 1 at the first of the largest elements, else 0.
    case hardmax

    /// The kernel over a tensor [outer, length, inner], whose rows lie along the middle; nil for types without one.
    public func kernel(_ type: DataType, _ outer: Int, _ length: Int, _ inner: Int) -> (any NativeKernel)? {
        switch type {
        case .float: SpecializedKernel(SoftmaxKernel<Float>(function: self, outer: outer, length: length, inner: inner))
        case .double:
            SpecializedKernel(SoftmaxKernel<Double>(function: self, outer: outer, length: length, inner: inner))
        case .float16:
            SpecializedKernel(SoftmaxKernel<Float16>(function: self, outer: outer, length: length, inner: inner))
        case .bfloat16:
            SpecializedKernel(SoftmaxKernel<BFloat16>(function: self, outer: outer, length: length, inner: inner))
        default: nil
        }
    }
}

struct SoftmaxKernel<T: Element>: NativeKernel where T.Wide: Real {
    let function: SoftmaxFunction
    let outer: Int
    let length: Int
    let inner: Int

    var canRunInPlace: Bool { true }

    func run(_ operands: KernelOperands) {
        let input = unsafe operands.input(0, as: T.self)
        let output = unsafe operands.output(0, as: T.self)
        guard length > 0 else { return }
        for row in 0..<outer {
            for column in 0..<inner {
                let start = row * length * inner + column
                unsafe runRow(input + start, output + start)
            }
        }
    }

    private func runRow(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>) {
        var largest = unsafe x[0].wide
        var place = 0
        for index in 1..<max(length, 1) {
            let value = unsafe x[index * inner].wide
            // A NaN stays the largest, so that it reaches the result.
            if value > largest || (value.isNaN && !largest.isNaN) { (largest, place) = (value, index) }
        }
        switch function {
        case .hardmax:
            for index in 0..<length { unsafe y[index * inner] = T(wide: index == place ? 1 : 0) }
        case .softmax:
            var sum = 0.0
            for index in 0..<length { sum += unsafe Double(T.Wide.exp(x[index * inner].wide - largest)) }
            let factor = T.Wide(1 / sum)
            for index in 0..<length {
                unsafe y[index * inner] = T(wide: T.Wide.exp(x[index * inner].wide - largest) * factor)
            }
        case .logSoftmax:
            var sum = 0.0
            for index in 0..<length { sum += unsafe Double(T.Wide.exp(x[index * inner].wide - largest)) }
            let logarithm = T.Wide(Double.log(sum))
            for index in 0..<length {
                unsafe y[index * inner] = T(wide: x[index * inner].wide - largest - logarithm)
            }
        }
    }
}
