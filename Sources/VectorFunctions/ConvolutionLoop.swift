// SPDX-License-Identifier: Apache-2.0

/// A convolution over one to three dimensions of a float tensor with the channels innermost. A matrix product is one with
/// an image as high as the matrix and one pixel wide.
///
/// Operands: x [batch, planes, height, width, groups, channels], the packed weights, with `hasBias` the bias, and those of
/// the epilogue. Weights are packed as [groups][panels][window][channels][16]. The bias has as many elements as the panels.
///
/// `convolveByChannel` is for one channel in each of several groups, or four that four outputs are made of. It wants weights
/// as [panels][window][channels][16], the panels being those of all groups' outputs together, and the bias likewise.
@safe
public struct ConvolutionLoop: @unchecked Sendable {
    /// Channels whose weights lie side by side.
    public static let panel = 16

    public var batch: Int
    public var height, width: Int
    public var outHeight, outWidth: Int
    public var windowHeight, windowWidth: Int
    public var strideY, strideX: Int
    public var dilationY, dilationX: Int
    public var padTop, padLeft: Int
    /// The outermost dimension of three.
    public var planes = 1, outPlanes = 1, windowPlanes = 1, strideZ = 1, dilationZ = 1, padFront = 0
    /// Filters that see channels of their own, and the channels of each.
    public var filterGroups = 1
    public var channels, outChannels: Int
    /// The taps of all loops that share the weights, and how many of them lie before this loop's; nil: there is one loop.
    public var sharedTaps: Int?
    public var firstTap = 0
    /// The result of which the loop computes some pixels; nil: it computes all.
    public var grid: ResultGrid?
    public var hasBias: Bool
    /// Not owned.
    public var epilogue: UnsafeBufferPointer<EpilogueStep>
    /// How the work is cut: into blocks of neighbouring pixels, and each into groups of panels.
    public var pixelsPerBlock = 1
    public var panelsPerGroup = 1
    /// Where the work is cut into blocks of rows, their height; `pixelsPerBlock` is their width then.
    public var rowsPerBlock = 1

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

    public var pixels: Int { batch * outPlanes * outHeight * outWidth }
    /// Whether each pixel of the result is made of the one at the same place.
    public var isPointwise: Bool {
        windowPlanes == 1 && windowHeight == 1 && windowWidth == 1 && strideZ == 1 && strideY == 1 && strideX == 1
            && padFront == 0 && padTop == 0 && padLeft == 0 && outPlanes == planes && outHeight == height
            && outWidth == width && grid == nil
    }
    /// The panels of a group.
    public var panels: Int { (outChannels + Self.panel - 1) / Self.panel }
    public var depth: Int { windowPlanes * windowHeight * windowWidth * channels }
    public var blocks: Int { (pixels + pixelsPerBlock - 1) / pixelsPerBlock }
    public var groups: Int { (panels + panelsPerGroup - 1) / panelsPerGroup }

    /// Elements of a pixel of x, and of the result.
    public var pixelLength: Int { filterGroups * channels }
    public var resultLength: Int { filterGroups * outChannels }
    /// Elements of the packed weights of one panel.
    public var panelLength: Int { (sharedTaps.map { $0 * channels } ?? depth) * Self.panel }

    public var rows: Int { batch * outPlanes * outHeight }
    public var blocksPerRow: Int { (outWidth + pixelsPerBlock - 1) / pixelsPerBlock }
    public var blocksOfRows: Int { (rows + rowsPerBlock - 1) / rowsPerBlock * blocksPerRow }
}

/// Pixels of a result that are some steps apart in each dimension.
public struct ResultGrid: Sendable {
    public var planes, height, width: Int
    public var firstZ, firstY, firstX: Int
    public var stepZ, stepY, stepX: Int

    public init(size: [Int], first: [Int], step: [Int]) {
        (planes, height, width) = (size[0], size[1], size[2])
        (firstZ, firstY, firstX) = (first[0], first[1], first[2])
        (stepZ, stepY, stepX) = (step[0], step[1], step[2])
    }
}
