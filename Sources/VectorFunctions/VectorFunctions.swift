// SPDX-License-Identifier: Apache-2.0

/// The functions that exist once for each level of instructions; every module under `VectorLevels` makes one table.
///
/// Their parameters are plain memory, so that no code of the library's other types is compiled with a level's instructions.
///
/// Safety: none of them checks anything. A caller vouches that the addresses cover what the shapes say.
@safe
public struct VectorFunctions: Sendable {
    public typealias Operands = UnsafePointer<UnsafeMutableRawPointer>
    public typealias Input = UnsafePointer<Float>
    public typealias Output = UnsafeMutablePointer<Float>

    /// y = convolution of x and packed weights, for some parts of the work.
    public var convolve: @Sendable (UnsafePointer<ConvolutionLoop>, Operands, Output, Range<Int>) -> Void
    /// The same row by row, for few channels; and for few channels in each of many groups.
    public var convolveByRow: @Sendable (UnsafePointer<ConvolutionLoop>, Operands, Output, Range<Int>) -> Void
    public var convolveByChannel: @Sendable (UnsafePointer<ConvolutionLoop>, Operands, Output, Range<Int>) -> Void
    /// The first by Winograd's minimal filtering. The scratch memory covers what the loop's parts need. Raises the processor's
    /// invalid flag where a result is not finite: it may be wrong then.
    public var convolveByTiles:
        @Sendable (UnsafePointer<WinogradLoop>, Operands, Output, _ scratch: Output, Range<Int>) -> Void
    /// y = products of matrices. The scratch memory covers what the loop's parts need.
    public var multiply: @Sendable (UnsafePointer<ProductLoop>, Operands, Output, _ scratch: Output, Range<Int>) -> Void
    /// Packs some panels of a constant of floats, which may lie at any address.
    public var pack: @Sendable (UnsafePointer<PackingLoop>, Input, Output, Range<Int>) -> Void
    /// y = largest element, or mean, of each window, channels innermost, for some of the output's rows.
    public var pool: @Sendable (UnsafePointer<PoolingLoop>, Input, Output, Range<Int>) -> Void
    /// The same of row-major tensors, whose images and channels are counted together, for some of the loop's parts. The
    /// scratch memory has a line for each.
    public var poolRows: @Sendable (UnsafePointer<PoolingLoop>, Input, Output, _ scratch: Output, Range<Int>) -> Void
    /// y = x resized, for some of the work's parts. The scratch memory has a row of the input for each.
    public var resize: @Sendable (UnsafePointer<ResizeLoop>, Input, Output, _ scratch: Output, Range<Int>) -> Void
    /// y = softmax of the rows of x [outer, length, inner], which lie along `length`, for some of the work's parts.
    public var softmax: @Sendable (UnsafePointer<SoftmaxLoop>, Input, Output, Range<Int>) -> Void
    /// y = fold of x [outer, length, inner] along `length`, for some of the work's parts.
    public var fold: @Sendable (UnsafePointer<FoldLoop>, Input, Output, Range<Int>) -> Void
    /// y = places of the largest or smallest elements, for some of the work's parts.
    public var findArgument: @Sendable (UnsafePointer<ArgumentLoop>, Input, UnsafeMutableRawPointer, Range<Int>) -> Void
    /// Converts so many elements.
    public var convert: @Sendable (ElementConversion, UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void
    /// y = normalised rows, for some of them.
    public var normalize: @Sendable (UnsafePointer<NormalizationLoop>, Operands, Output, Range<Int>) -> Void
    /// Transposes a matrix of numbers of four bytes.
    public var transpose: @Sendable (UnsafePointer<TransposeLoop>, UnsafeRawPointer, UnsafeMutableRawPointer) -> Void
    /// The steps of a recurrent network, for some of the work's parts; inputs, outputs and scratch memory.
    public var recur: @Sendable (UnsafePointer<RecurrentLoop>, Operands, Operands, Output, Range<Int>) -> Void
    /// y = the steps applied to some elements of x; to whole rows of so many elements where a step has an operand by
    /// channel or row. x may be y.
    public var applySteps:
        @Sendable (UnsafeBufferPointer<EpilogueStep>, Operands, Input, Output, Range<Int>, Int) -> Void

    /// y = function of x and as many elements of the other operand, or one; y may be either.
    public var combine: @Sendable (CombiningFunction, Input, _ other: Input, _ isOne: Bool, Output, Int) -> Void

    public init(
        convolve: @escaping @Sendable (UnsafePointer<ConvolutionLoop>, Operands, Output, Range<Int>) -> Void,
        convolveByRow: @escaping @Sendable (UnsafePointer<ConvolutionLoop>, Operands, Output, Range<Int>) -> Void,
        convolveByChannel: @escaping @Sendable (UnsafePointer<ConvolutionLoop>, Operands, Output, Range<Int>) -> Void,
        convolveByTiles:
            @escaping @Sendable (UnsafePointer<WinogradLoop>, Operands, Output, _ scratch: Output, Range<Int>) -> Void,
        multiply:
            @escaping @Sendable (UnsafePointer<ProductLoop>, Operands, Output, _ scratch: Output, Range<Int>) -> Void,
        pack: @escaping @Sendable (UnsafePointer<PackingLoop>, Input, Output, Range<Int>) -> Void,
        pool: @escaping @Sendable (UnsafePointer<PoolingLoop>, Input, Output, Range<Int>) -> Void,
        poolRows:
            @escaping @Sendable (UnsafePointer<PoolingLoop>, Input, Output, _ scratch: Output, Range<Int>) -> Void,
        resize: @escaping @Sendable (UnsafePointer<ResizeLoop>, Input, Output, _ scratch: Output, Range<Int>) -> Void,
        softmax: @escaping @Sendable (UnsafePointer<SoftmaxLoop>, Input, Output, Range<Int>) -> Void,
        fold: @escaping @Sendable (UnsafePointer<FoldLoop>, Input, Output, Range<Int>) -> Void,
        findArgument:
            @escaping @Sendable (UnsafePointer<ArgumentLoop>, Input, UnsafeMutableRawPointer, Range<Int>) -> Void,
        convert: @escaping @Sendable (ElementConversion, UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void,
        normalize: @escaping @Sendable (UnsafePointer<NormalizationLoop>, Operands, Output, Range<Int>) -> Void,
        transpose:
            @escaping @Sendable (UnsafePointer<TransposeLoop>, UnsafeRawPointer, UnsafeMutableRawPointer) -> Void,
        recur: @escaping @Sendable (UnsafePointer<RecurrentLoop>, Operands, Operands, Output, Range<Int>) -> Void,
        applySteps:
            @escaping @Sendable (UnsafeBufferPointer<EpilogueStep>, Operands, Input, Output, Range<Int>, Int) -> Void,
        combine:
            @escaping @Sendable (CombiningFunction, Input, _ other: Input, _ isOne: Bool, Output, Int) -> Void
    ) {
        unsafe self.convolve = unsafe convolve
        unsafe self.convolveByRow = unsafe convolveByRow
        unsafe self.convolveByChannel = unsafe convolveByChannel
        unsafe self.convolveByTiles = unsafe convolveByTiles
        unsafe self.multiply = unsafe multiply
        unsafe self.pack = unsafe pack
        unsafe self.pool = unsafe pool
        unsafe self.poolRows = unsafe poolRows
        unsafe self.resize = unsafe resize
        unsafe self.softmax = unsafe softmax
        unsafe self.fold = unsafe fold
        unsafe self.findArgument = unsafe findArgument
        unsafe self.convert = unsafe convert
        unsafe self.normalize = unsafe normalize
        unsafe self.transpose = unsafe transpose
        unsafe self.recur = unsafe recur
        unsafe self.applySteps = unsafe applySteps
        unsafe self.combine = unsafe combine
    }
}
