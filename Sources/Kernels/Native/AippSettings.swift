// SPDX-License-Identifier: Apache-2.0

/// How AIPP turns one stored image of 8-bit samples into planes of numbers.
public struct AippSettings: Sendable, Equatable {
    public enum Format: Sendable {
        /// A plane of Y, then rows of U and V side by side, for each 2 x 2 pixels one pair.
        case yuv420sp
        case xrgb8888
        case rgb888
        case yuv400

        /// Bytes of an image; nil for sizes that the format does not have, or on overflow.
        public func byteCount(width: Int, height: Int) -> Int? {
            guard width > 0, height > 0 else { return nil }
            let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
            guard !overflow, pixels <= Int.max / 4 else { return nil }
            switch self {
            case .yuv420sp: return width % 2 == 0 && height % 2 == 0 ? pixels / 2 * 3 : nil
            case .xrgb8888: return pixels * 4
            case .rgb888: return pixels * 3
            case .yuv400: return pixels
            }
        }

        public var isYUV: Bool { self == .yuv420sp || self == .yuv400 }
    }

    public var format: Format
    public var width: Int
    public var height: Int
    /// V comes before U, or blue before red.
    public var swapsColors = false
    /// The unused byte of a pixel is its first.
    public var unusedIsFirst = false
    /// The colour conversion in 1/256: one row per channel of the result, one column per stored channel.
    public var red = SIMD4<Int32>(256, 0, 0, 0)
    public var green = SIMD4<Int32>(0, 256, 0, 0)
    public var blue = SIMD4<Int32>(0, 0, 256, 0)
    public var inputBias = SIMD4<Int32>()
    public var outputBias = SIMD4<Int32>()
    /// The part of the image that is used.
    public var cropX = 0
    public var cropY = 0
    public var cropWidth: Int
    public var cropHeight: Int
    public var paddingTop = 0
    public var paddingBottom = 0
    public var paddingLeft = 0
    public var paddingRight = 0
    public var paddingValue: Float = 0
    /// The result is (sample - mean - minimum) x scale, per channel.
    public var mean = SIMD4<Int32>()
    public var minimum = SIMD4<Float>()
    public var scale = SIMD4<Float>(repeating: 1)

    /// The whole image, its colours as they are.
    public init(format: Format, width: Int, height: Int) {
        self.format = format
        self.width = width
        self.height = height
        (cropWidth, cropHeight) = (width, height)
    }

    public var outputWidth: Int { cropWidth + paddingLeft + paddingRight }
    public var outputHeight: Int { cropHeight + paddingTop + paddingBottom }

    /// Whether only the first channel is produced.
    public var isGrey: Bool { format == .yuv400 || (green, blue) == (SIMD4(), SIMD4()) }

    /// Whether the image has a size, and the used part lies in it.
    public var isConsistent: Bool {
        format.byteCount(width: width, height: height) != nil && cropX >= 0 && cropY >= 0 && cropWidth > 0
            && cropHeight > 0 && cropX <= width - cropWidth && cropY <= height - cropHeight
            && min(paddingTop, paddingBottom, paddingLeft, paddingRight) >= 0
            && max(paddingTop, paddingBottom, paddingLeft, paddingRight) <= 1 << 16
    }
}
