// SPDX-License-Identifier: Apache-2.0

/// How a constant filter or matrix of floats is packed for `ConvolutionLoop` and `WinogradLoop`.
@safe
public struct PackingLoop: @unchecked Sendable {
    /// Outputs and channels of each of the groups, and the steps between them in the constant, in elements.
    public var outputs, channels, groups: Int
    public var outputStep, channelStep, groupStep: Int
    /// How far from the first element each position of the window lies, in elements, in the order in which they are
    /// stored. Not owned.
    public var positions: UnsafeBufferPointer<Int>
    /// Rows and columns of the result's tiles, for which filters of 3 by 3 are transformed; 0 for none.
    public var tile: Int

    public init(
        outputs: Int, channels: Int, groups: Int, outputStep: Int, channelStep: Int, groupStep: Int,
        positions: UnsafeBufferPointer<Int>, tile: Int
    ) {
        (self.outputs, self.channels, self.groups) = (outputs, channels, groups)
        (self.outputStep, self.channelStep, self.groupStep) = (outputStep, channelStep, groupStep)
        unsafe self.positions = unsafe positions
        self.tile = tile
    }

    public var panelsPerGroup: Int { (outputs + ConvolutionLoop.panel - 1) / ConvolutionLoop.panel }
    public var panels: Int { groups * panelsPerGroup }
    /// Elements of a panel, and of a transformed one.
    public var panelLength: Int { unsafe positions.count * channels * ConvolutionLoop.panel }
    public var transformedLength: Int { tile == 0 ? 0 : (tile + 2) * (tile + 2) * channels * ConvolutionLoop.panel }
}
