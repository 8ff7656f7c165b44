// SPDX-License-Identifier: Apache-2.0

import CAscendCL

/// Sizes of pictures as the image processor lays them out.
enum ImageLayout {
    /// Bytes before the encoded picture: its header and what aligns its start.
    static let encoderHeaderBytes: UInt64 = 640 + 128
    /// The encoder's memory comes in pieces of 2 MiB.
    static let encoderAlignment: UInt64 = 2 << 20

    /// Bytes of two positions of a stride in a picture that can be encoded; nil for other formats. Strides of packed
    /// formats count bytes already.
    static func bytesPerTwoPixels(encoding format: acldvppPixelFormat) -> Int? {
        switch format {
        case PIXEL_FORMAT_YUV_SEMIPLANAR_420, PIXEL_FORMAT_YVU_SEMIPLANAR_420: 3
        case PIXEL_FORMAT_YUYV_PACKED_422, PIXEL_FORMAT_UYVY_PACKED_422, PIXEL_FORMAT_YVYU_PACKED_422,
            PIXEL_FORMAT_VYUY_PACKED_422:
            2
        default: nil
        }
    }

    /// Bytes of two pixels of the decoded picture. Everything decodes to 4:2:0; otherwise the picture keeps its own
    /// sampling, and `format` must be that or "unknown". Nil when they differ.
    static func bytesPerTwoPixels(decoding header: JPEGHeader, to format: acldvppPixelFormat) -> Int? {
        let isUnknown = format == PIXEL_FORMAT_UNKNOWN
        switch format {
        case PIXEL_FORMAT_YUV_SEMIPLANAR_420, PIXEL_FORMAT_YVU_SEMIPLANAR_420: return 3
        case PIXEL_FORMAT_YUV_400, PIXEL_FORMAT_YUV_SEMIPLANAR_422, PIXEL_FORMAT_YVU_SEMIPLANAR_422,
            PIXEL_FORMAT_YUV_SEMIPLANAR_444, PIXEL_FORMAT_YVU_SEMIPLANAR_444, PIXEL_FORMAT_YUV_SEMIPLANAR_440,
            PIXEL_FORMAT_YVU_SEMIPLANAR_440, PIXEL_FORMAT_UNKNOWN:
            break
        default: return nil
        }
        if header.colours == .none { return 3 }
        guard !header.isRGB else { return nil }
        switch header.colours {
        case .quarter where isUnknown: return 3
        case .halfWidth
        where isUnknown || format == PIXEL_FORMAT_YUV_SEMIPLANAR_422 || format == PIXEL_FORMAT_YVU_SEMIPLANAR_422:
            return 4
        case .halfHeight
        where isUnknown || format == PIXEL_FORMAT_YUV_SEMIPLANAR_440 || format == PIXEL_FORMAT_YVU_SEMIPLANAR_440:
            return 4
        case .full
        where isUnknown || format == PIXEL_FORMAT_YUV_SEMIPLANAR_444 || format == PIXEL_FORMAT_YVU_SEMIPLANAR_444:
            return 6
        default: return nil
        }
    }
}
