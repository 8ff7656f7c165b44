// SPDX-License-Identifier: Apache-2.0

import GEGraph

extension BinaryFunction {
    /// The kernels that models spend time in, compiled for their types one by one: all of them would take the compiler
    /// many minutes.
    func common(_ type: DataType, _ s: BinaryShapes) -> (any NativeKernel)? {
        switch (type, self) {
        case (.float, .add): SpecializedKernel(BinaryKernel<Float, Float, RealFunctions.Add<Float>>(s))
        case (.float, .subtract): SpecializedKernel(BinaryKernel<Float, Float, RealFunctions.Subtract<Float>>(s))
        case (.float, .multiply): SpecializedKernel(BinaryKernel<Float, Float, RealFunctions.Multiply<Float>>(s))
        case (.float, .minimum): SpecializedKernel(BinaryKernel<Float, Float, RealFunctions.Minimum<Float>>(s))
        case (.float, .maximum): SpecializedKernel(BinaryKernel<Float, Float, RealFunctions.Maximum<Float>>(s))
        case (.float, .divide): SpecializedKernel(BinaryKernel<Float, Float, RealFunctions.Divide<Float>>(s))
        case (.float, .equal): SpecializedKernel(BinaryKernel<Float, Boolean, Comparisons.Equal<Float>>(s))
        case (.float, .greater): SpecializedKernel(BinaryKernel<Float, Boolean, Comparisons.Greater<Float>>(s))
        case (.float, .less): SpecializedKernel(BinaryKernel<Float, Boolean, Comparisons.Less<Float>>(s))
        case (.int32, .add): SpecializedKernel(BinaryKernel<Int32, Int32, IntegerFunctions.Add<Int32>>(s))
        case (.int32, .subtract): SpecializedKernel(BinaryKernel<Int32, Int32, IntegerFunctions.Subtract<Int32>>(s))
        case (.int32, .multiply): SpecializedKernel(BinaryKernel<Int32, Int32, IntegerFunctions.Multiply<Int32>>(s))
        case (.int32, .equal): SpecializedKernel(BinaryKernel<Int32, Boolean, Comparisons.Equal<Int32>>(s))
        case (.int64, .add): SpecializedKernel(BinaryKernel<Int64, Int64, IntegerFunctions.Add<Int64>>(s))
        case (.int64, .subtract): SpecializedKernel(BinaryKernel<Int64, Int64, IntegerFunctions.Subtract<Int64>>(s))
        case (.int64, .multiply): SpecializedKernel(BinaryKernel<Int64, Int64, IntegerFunctions.Multiply<Int64>>(s))
        case (.int64, .equal): SpecializedKernel(BinaryKernel<Int64, Boolean, Comparisons.Equal<Int64>>(s))
        default: nil
        }
    }
}

extension ReductionFunction {
    /// As for binary functions.
    func common(_ type: DataType, _ shape: [Int], axes: Set<Int>) -> (any NativeKernel)? {
        switch (type, self) {
        case (.float, .sum): SpecializedKernel(ReductionKernel<Float, Float, Folds.Sum<Float>>(shape, axes: axes))
        case (.float, .mean): SpecializedKernel(ReductionKernel<Float, Float, Folds.Mean<Float>>(shape, axes: axes))
        case (.float, .maximum): SpecializedKernel(ReductionKernel<Float, Float, Folds.Maximum<Float>>(shape, axes: axes))
        case (.float, .minimum): SpecializedKernel(ReductionKernel<Float, Float, Folds.Minimum<Float>>(shape, axes: axes))
        default: nil
        }
    }
}
