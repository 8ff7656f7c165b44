// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// The parameters of a dynamic-AIPP input, kept in the form in which a model reads them: a head of 64 bytes and
/// 96 bytes per image (layout: the AIPP section of the memory documentation of AscendCL's `aclmdlAIPP`).
struct AippParameters: Sendable {
    static let headBytes = 64
    static let imageBytes = 96
    /// The head counts images in a signed byte.
    static let maxImages = 127

    private(set) var image: [UInt8]
    private(set) var imageCount: Int
    /// `aclAippInputFormat`; 0 until set.
    private(set) var inputFormat: UInt32 = 0

    /// Nil for a number of images that the layout cannot hold.
    init?(images: UInt64) {
        guard images >= 1, images <= UInt64(clamping: Self.maxImages) else { return nil }
        imageCount = Int(clamping: images)
        image = [UInt8](repeating: 0, count: Self.headBytes + Self.imageBytes * imageCount)
        image[4] = UInt8(clamping: images)
        for index in 0..<imageCount {
            setFloats(Self.base(index) + 72, [1, 1, 1, 1])
        }
    }

    /// What a model finds in its input; nil for a head without images or with more than fit.
    init?(image: [UInt8]) {
        guard image.count >= Self.headBytes else { return nil }
        imageCount = Int(Int8(bitPattern: image[4]))
        guard imageCount > 0, image.count >= Self.headBytes + Self.imageBytes * imageCount else { return nil }
        self.image = image
        inputFormat = (1...14).first { Self.deviceFormat(of: $0) == image[0] } ?? 0
    }

    /// Bytes that the parameters of so many images take; nil when the count is 0 or overflows.
    static func byteCount(images: UInt64) -> Int? {
        guard images > 0, let count = Int(exactly: images) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: imageBytes)
        let (sum, carry) = bytes.addingReportingOverflow(headBytes)
        return overflow || carry ? nil : sum
    }

    /// The number that the hardware has for an `aclAippInputFormat`; nil for one it does not know.
    static func deviceFormat(of format: UInt32) -> UInt8? {
        switch format {
        case 1: 1  // YUV420SP
        case 2: 2  // XRGB8888
        case 3: 5  // RGB888
        case 4: 10  // YUV400
        case 5: 3  // NC1HWC0DI_FP16
        case 6: 4  // NC1HWC0DI_S8
        case 7: 6  // ARGB8888
        case 8: 7  // YUYV
        case 9: 8  // YUV422SP
        case 10: 9  // AYUV444
        case 11: 11  // RAW10
        case 12: 12  // RAW12
        case 13: 13  // RAW16
        case 14: 16  // RAW24
        default: nil
        }
    }

    mutating func setInputFormat(_ format: UInt32, device: UInt8) {
        inputFormat = format
        image[0] = device
    }

    mutating func setCsc(enabled: Int8, matrix: [Int16], outputBias: [UInt8], inputBias: [UInt8]) {
        image[1] = UInt8(bitPattern: enabled)
        for (index, value) in matrix.enumerated() { set16(16 + 2 * index, UInt16(bitPattern: value)) }
        image.replaceSubrange(40..<43, with: outputBias)
        image.replaceSubrange(43..<46, with: inputBias)
    }

    mutating func setRbuvSwap(_ enabled: Int8) { image[2] = UInt8(bitPattern: enabled) }
    mutating func setAxSwap(_ enabled: Int8) { image[3] = UInt8(bitPattern: enabled) }

    mutating func setSourceSize(width: Int32, height: Int32) {
        set32(8, width)
        set32(12, height)
    }

    mutating func setCrop(_ enabled: Int8, _ values: [Int32], image index: Int) {
        setSwitch(0, enabled, offset: 8, values, index)
    }

    mutating func setResize(_ enabled: Int8, _ values: [Int32], image index: Int) {
        setSwitch(1, enabled, offset: 24, values, index)
    }

    mutating func setPadding(_ enabled: Int8, _ values: [Int32], image index: Int) {
        setSwitch(2, enabled, offset: 40, values, index)
    }

    mutating func setMean(_ values: [Int16], image index: Int) {
        for (position, value) in values.enumerated() {
            set16(Self.base(index) + 56 + 2 * position, UInt16(bitPattern: value))
        }
    }

    mutating func setMin(_ values: [Float], image index: Int) { setFloats(Self.base(index) + 64, values) }
    mutating func setReciprocalVariance(_ values: [Float], image index: Int) {
        setFloats(Self.base(index) + 72, values)
    }

    var sourceWidth: Int { Int(int32(at: 8)) }
    var sourceHeight: Int { Int(int32(at: 12)) }

    /// The crop, resize and padding settings of one image.
    func geometry(of index: Int) -> Geometry {
        let base = Self.base(index)
        func values(_ offset: Int) -> [Int] { (0..<4).map { Int(int32(at: base + offset + 4 * $0)) } }
        return Geometry(
            crop: image[base] != 0 ? values(8) : nil, resize: image[base + 1] != 0 ? values(24) : nil,
            padding: image[base + 2] != 0 ? values(40) : nil)
    }

    struct Geometry: Equatable {
        /// x, y, width, height; nil when switched off.
        var crop: [Int]?
        /// Input width and height, output width and height.
        var resize: [Int]?
        /// Top, bottom, left, right.
        var padding: [Int]?
    }

    private static func base(_ index: Int) -> Int { headBytes + imageBytes * index }

    private mutating func setSwitch(_ place: Int, _ enabled: Int8, offset: Int, _ values: [Int32], _ index: Int) {
        let base = Self.base(index)
        image[base + place] = UInt8(bitPattern: enabled)
        for (position, value) in values.enumerated() { set32(base + offset + 4 * position, value) }
    }

    private mutating func setFloats(_ offset: Int, _ values: [Float]) {
        for (position, value) in values.enumerated() { set16(offset + 2 * position, HalfFloat.bits(of: value)) }
    }

    private mutating func set16(_ offset: Int, _ value: UInt16) {
        image[offset] = UInt8(truncatingIfNeeded: value)
        image[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
    }

    private mutating func set32(_ offset: Int, _ value: Int32) {
        for byte in 0..<4 { image[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }

    private func int32(at offset: Int) -> Int32 {
        (0..<4).reduce(0) { $0 | Int32(bitPattern: UInt32(image[offset + $1]) << (8 * $1)) }
    }
}
