// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// A function of two float tensors with broadcasting, then steps that see single elements of the result.
struct VectorBinaryKernel: NativeKernel {
    private let walk: Broadcasting
    private let function, exchanged: CombiningFunction
    private let steps: StepList
    private let functions = CPULevel.current.functions
    let canRunInPlace: Bool

    /// - Precondition: the function can be exchanged.
    init(_ function: CombiningFunction, _ shapes: BinaryShapes, _ steps: [EpilogueStep]) {
        walk = Broadcasting(output: shapes.output, first: shapes.first, second: shapes.second)
        self.function = function
        exchanged = function.exchanged ?? function
        self.steps = StepList(steps)
        canRunInPlace = shapes.first == shapes.output
    }

    var parts: Int { walk.parts }

    func run(_ operands: KernelOperands) { unsafe run(operands, parts: 0..<parts) }

    func run(_ operands: KernelOperands, parts: Range<Int>) {
        let (first, second) = unsafe (operands.input(0, as: Float.self), operands.input(1, as: Float.self))
        let result = unsafe operands.output(0, as: Float.self)
        for part in parts {
            var done = 0..<0
            walk.forEachRun(in: part..<part + 1) { y, a, b, count in
                if walk.firstAdvances {
                    unsafe functions.combine(
                        function, first + a, second + b, !walk.secondAdvances, result + y, count)
                } else {
                    unsafe functions.combine(exchanged, second + b, first + a, true, result + y, count)
                }
                done = (done.isEmpty ? y : done.lowerBound)..<y + count
            }
            if unsafe !steps.steps.isEmpty, !done.isEmpty {
                // While the elements are in the cache.
                unsafe functions.applySteps(
                    steps.steps, operands.inputs, UnsafePointer(result), result, done, 1)
            }
        }
    }
}
