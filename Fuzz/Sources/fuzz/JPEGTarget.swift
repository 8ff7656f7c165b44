// SPDX-License-Identifier: Apache-2.0

import CAscendCL

/// Headers of JPEG pictures, through the C functions.
struct JPEGTarget: Target {
    func read(_ bytes: [UInt8]) {
        let copy = unsafe UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        defer { unsafe copy.deallocate() }
        unsafe copy.copyBytes(from: bytes)
        let (start, size) = unsafe (UnsafeRawPointer(copy.baseAddress), UInt32(bytes.count))
        var (width, height): (UInt32, UInt32) = (0, 0)
        var components: Int32 = 0
        var format = ACL_JPEG_CSS_UNKNOWN
        _ = unsafe acldvppJpegGetImageInfo(start, size, &width, &height, &components)
        if unsafe acldvppJpegGetImageInfoV2(start, size, &width, &height, &components, &format) == 0 {
            precondition(width > 0 && height > 0 && components > 0)
        }
        for pixels in [PIXEL_FORMAT_YUV_SEMIPLANAR_420, PIXEL_FORMAT_RGB_888, PIXEL_FORMAT_UNKNOWN] {
            _ = unsafe acldvppJpegPredictDecSize(start, size, pixels, &width)
        }
    }
}
