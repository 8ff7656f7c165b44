// SPDX-License-Identifier: Apache-2.0

/// A two-dimensional convolution of a float tensor with the channels innermost. A matrix product is one with an image as
/// high as the matrix and one pixel wide.
///
/// Operands: x [batch, height, width, channels], the packed weights, with `hasBias` the bias, and those of the epilogue.
/// Weights are packed as [panels][window][channels][16], followed by a pixel of zeros. The bias has as many elements as the
/// panels.
@safe
public struct ConvolutionLoop: @unchecked Sendable {
    /// Channels whose weights lie side by side.
    public static let panel = 16

    public var batch: Int
    public var height, width, channels: Int
    public var outHeight, outWidth, outChannels: Int
    public var windowHeight, windowWidth: Int
    public var strideY, strideX: Int
    public var dilationY, dilationX: Int
    public var padTop, padLeft: Int
    public var hasBias: Bool
    /// Not owned.
    public var epilogue: UnsafeBufferPointer<EpilogueStep>
    /// How the work is cut: into blocks of neighbouring pixels, and each into groups of panels.
    public var pixelsPerBlock = 1
    public var panelsPerGroup = 1

    public init(
        batch: Int, image: (height: Int, width: Int, channels: Int), output: (height: Int, width: Int, channels: Int),
        window: (height: Int, width: Int), strides: (y: Int, x: Int), dilations: (y: Int, x: Int),
        padTop: Int, padLeft: Int
    ) {
        self.batch = batch
        (height, width, channels) = image
        (outHeight, outWidth, outChannels) = output
        (windowHeight, windowWidth) = window
        (strideY, strideX) = strides
        (dilationY, dilationX) = dilations
        self.padTop = padTop
        self.padLeft = padLeft
        hasBias = false
        unsafe epilogue = UnsafeBufferPointer(start: nil, count: 0)
    }

    /// Whether each pixel of the result is made of the one at the same place.
    public var isPointwise: Bool {
        windowHeight == 1 && windowWidth == 1 && strideY == 1 && strideX == 1 && padTop == 0 && padLeft == 0
            && outHeight == height && outWidth == width
    }
    public var pixels: Int { batch * outHeight * outWidth }
    public var panels: Int { (outChannels + Self.panel - 1) / Self.panel }
    public var depth: Int { windowHeight * windowWidth * channels }
    public var blocks: Int { (pixels + pixelsPerBlock - 1) / pixelsPerBlock }
    public var groups: Int { (panels + panelsPerGroup - 1) / panelsPerGroup }

    /// Where the pixel of zeros begins in the packed weights.
    public var zerosOffset: Int { panels * depth * Self.panel }
}
