// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CoreLoader

/// Offsets as documented for the parameter block of dynamic AIPP.
@Suite struct ModelAippParametersTests {
    private func parameters(_ images: UInt64 = 2) throws -> AippParameters {
        try #require(AippParameters(images: images))
    }

    private func int32(_ image: [UInt8], _ offset: Int) -> Int32 {
        (0..<4).reduce(0) { $0 | Int32(image[offset + $1]) << Int32(8 * $1) }
    }

    private func int16(_ image: [UInt8], _ offset: Int) -> Int16 {
        Int16(bitPattern: UInt16(image[offset]) | UInt16(image[offset + 1]) << 8)
    }

    @Test func countsAndDefaults() throws {
        #expect(AippParameters(images: 0) == nil)
        #expect(AippParameters(images: 128) == nil)
        #expect(AippParameters.byteCount(images: 0) == nil)
        #expect(AippParameters.byteCount(images: UInt64.max) == nil)
        #expect(AippParameters.byteCount(images: 3) == 64 + 3 * 96)
        let image = try parameters(2).image
        #expect(image.count == 64 + 2 * 96)
        #expect(image[4] == 2)
        for index in 0..<2 {
            // 1.0 as a half float, four times.
            for channel in 0..<4 { #expect(int16(image, 64 + 96 * index + 72 + 2 * channel) == 0x3c00) }
        }
        #expect(image.enumerated().allSatisfy { $1 == 0 || $0 == 4 || [0x3c].contains($1) })
    }

    @Test func headFields() throws {
        var value = try parameters()
        value.setInputFormat(3, device: try #require(AippParameters.deviceFormat(of: 3)))
        value.setCsc(
            enabled: 1, matrix: [1, -2, 3, -4, 5, -6, 7, -8, 9], outputBias: [10, 11, 12], inputBias: [13, 14, 15])
        value.setRbuvSwap(1)
        value.setAxSwap(1)
        value.setSourceSize(width: 640, height: 480)
        #expect(Array(value.image[0..<5]) == [5, 1, 1, 1, 2])
        #expect(int32(value.image, 8) == 640 && int32(value.image, 12) == 480)
        #expect((0..<9).map { int16(value.image, 16 + 2 * $0) } == [1, -2, 3, -4, 5, -6, 7, -8, 9])
        #expect(Array(value.image[40..<46]) == [10, 11, 12, 13, 14, 15])
    }

    @Test func fieldsOfOneImage() throws {
        var value = try parameters()
        let before = value.image
        value.setCrop(1, [1, 2, 3, 4], image: 1)
        value.setResize(1, [5, 6, 7, 8], image: 1)
        value.setPadding(1, [9, 10, 11, 12], image: 1)
        value.setMean([104, 117, 123, 0], image: 1)
        value.setMin([0.5, -2, 65520, 0], image: 1)
        let base = 64 + 96
        #expect(Array(value.image[base..<base + 4]) == [1, 1, 1, 0])
        #expect((0..<12).map { int32(value.image, base + 8 + 4 * $0) } == Array(1...12))
        #expect((0..<4).map { int16(value.image, base + 56 + 2 * $0) } == [104, 117, 123, 0])
        #expect(
            (0..<4).map { UInt16(bitPattern: int16(value.image, base + 64 + 2 * $0)) } == [0x3800, 0xc000, 0x7bff, 0])
        #expect(Array(value.image[..<base]) == Array(before[..<base]), "image 0 is untouched")
        #expect(value.geometry(of: 1).crop == [1, 2, 3, 4])
        #expect(value.geometry(of: 0) == AippParameters.Geometry())
    }

    @Test func deviceFormatsHaveNumbersOfTheirOwn() {
        let expected: [UInt32: UInt8] = [
            1: 1, 2: 2, 3: 5, 4: 10, 5: 3, 6: 4, 7: 6, 8: 7, 9: 8, 10: 9, 11: 11, 12: 12, 13: 13, 14: 16,
        ]
        for (format, device) in expected { #expect(AippParameters.deviceFormat(of: format) == device) }
        #expect(AippParameters.deviceFormat(of: 0) == nil && AippParameters.deviceFormat(of: 15) == nil)
    }
}
