// SPDX-License-Identifier: Apache-2.0

/// A convolution with a window of 3 by 3 elements, without strides and dilations, by Winograd's minimal filtering: the
/// image is cut into overlapping tiles, which are transformed, multiplied with transformed weights position by position,
/// and transformed back.
///
/// Operands: those of the convolution. Weights are packed as [panels][positions][channels][16], followed by the form that
/// `ConvolutionLoop` describes.
@safe
public struct WinogradLoop: @unchecked Sendable {
    public var convolution: ConvolutionLoop
    /// Rows and columns of a tile of the result: 2 or 4.
    public var tile: Int
    /// How the work is cut: into blocks of neighbouring tiles, each of these into groups of panels, and all that into
    /// parts, which have scratch memory of their own each.
    public var tilesPerBlock = 1
    public var panelsPerGroup = 1
    public var parts = 1

    public init(_ convolution: ConvolutionLoop, tile: Int) {
        self.convolution = convolution
        self.tile = tile
    }

    /// Rows and columns of a tile of the image.
    public var side: Int { tile + 2 }
    public var positions: Int { side * side }
    public var tilesDown: Int { (convolution.outHeight + tile - 1) / tile }
    public var tilesAcross: Int { (convolution.outWidth + tile - 1) / tile }
    public var tiles: Int { convolution.batch * tilesDown * tilesAcross }
    public var blocks: Int { (tiles + tilesPerBlock - 1) / tilesPerBlock }
    public var groups: Int { (convolution.panels + panelsPerGroup - 1) / panelsPerGroup }

    /// Channels of a transformed tile, whole vectors.
    public var rowLength: Int { (convolution.channels + 15) / 16 * 16 }
    /// Panels that are computed together.
    public static let panelsAtOnce = 2

    // A line more than needed, so that the positions of a tile do not all compete for the same places of the cache.
    /// Elements of all transformed tiles at one position.
    public var transformedPlane: Int { tilesPerBlock * rowLength + 16 }
    /// Elements of the products at one position.
    public var productPlane: Int { tilesPerBlock * Self.panelsAtOnce * ConvolutionLoop.panel + 16 }
    /// Elements of scratch memory of one part.
    public var scratchLength: Int { positions * (transformedPlane + productPlane) }
}
