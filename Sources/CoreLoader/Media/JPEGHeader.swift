// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// What the header of a JPEG picture says, read as libjpeg reads it: up to the start of the first scan.
struct JPEGHeader: Equatable {
    /// Pixels as stored, before any turn.
    var width = 0
    var height = 0
    /// Sampling factors per component: horizontal and vertical.
    var sampling: [Sampling] = []
    /// EXIF asks for a quarter turn, so that width and height change places.
    var isTurned = false
    /// The three components are red, green and blue instead of brightness and two colours.
    var isRGB = false
    private var hasJFIF = false
    private var adobeTransform: UInt8?
    private var identifiers: [UInt8] = []

    struct Sampling: Equatable {
        let horizontal: Int
        let vertical: Int
    }

    var shownWidth: Int { isTurned ? height : width }
    var shownHeight: Int { isTurned ? width : height }

    /// How the colours are sampled in comparison with the brightness.
    enum Colours: UInt32 {
        case full = 0
        case halfWidth = 1
        case quarter = 2
        case none = 3
        case halfHeight = 4
        case quarterWidth = 5
        case unknown = 1000
    }

    var colours: Colours {
        if sampling.count == 1 { return .none }
        guard sampling.count == 3, sampling[1] == sampling[2] else { return .unknown }
        let (brightness, colour) = (sampling[0], sampling[1])
        switch (brightness.horizontal == colour.horizontal, brightness.vertical == colour.vertical) {
        case (true, true): return .full
        case (true, false): return brightness.vertical == 2 * colour.vertical ? .halfHeight : .unknown
        case (false, true):
            if brightness.horizontal == 2 * colour.horizontal { return .halfWidth }
            return brightness.horizontal == 4 * colour.horizontal ? .quarterWidth : .unknown
        case (false, false):
            let isQuarter =
                brightness.horizontal == 2 * colour.horizontal && brightness.vertical == 2 * colour.vertical
            return isQuarter ? .quarter : .unknown
        }
    }

    /// Nil for everything that is not a JPEG picture with a complete header.
    init?(_ bytes: ImageBytes) {
        guard bytes.number(at: 0) == 0xffd8 else { return nil }
        var position = 2
        while true {
            guard bytes.byte(at: position) == 0xff else { return nil }
            // Any number of 0xff may stand before a marker.
            while bytes.byte(at: position + 1) == 0xff { position += 1 }
            guard let marker = bytes.byte(at: position + 1), let length = bytes.number(at: position + 2), length >= 2,
                position + 2 + length <= bytes.count
            else { return nil }
            let segment = position + 4..<position + 2 + length
            switch marker {
            case 0xc0...0xc3, 0xc5...0xc7, 0xc9...0xcb, 0xcd...0xcf:
                guard sampling.isEmpty, readFrame(bytes, segment) else { return nil }
            case 0xda:
                if sampling.isEmpty { return nil }
                finish()
                return
            case 0xe0: hasJFIF = hasJFIF || bytes.text(at: segment.lowerBound, is: "JFIF\0")
            case 0xe1: readOrientation(bytes, segment)
            case 0xee where segment.count >= 12 && bytes.text(at: segment.lowerBound, is: "Adobe"):
                adobeTransform = bytes.byte(at: segment.lowerBound + 11)
            case 0x00, 0x01, 0xd0...0xd9: return nil
            default: break
            }
            position = segment.upperBound
        }
    }

    private mutating func readFrame(_ bytes: ImageBytes, _ segment: Range<Int>) -> Bool {
        let start = segment.lowerBound
        guard segment.count >= 6, let height = bytes.number(at: start + 1), let width = bytes.number(at: start + 3),
            let count = bytes.byte(at: start + 5), height > 0, width > 0, (1...10).contains(count),
            segment.count == 6 + 3 * Int(count)
        else { return false }
        self.width = width
        self.height = height
        for component in 0..<Int(count) {
            guard let identifier = bytes.byte(at: start + 6 + 3 * component),
                let factors = bytes.byte(at: start + 7 + 3 * component)
            else { return false }
            let factor = Sampling(horizontal: Int(factors >> 4), vertical: Int(factors & 15))
            guard (1...4).contains(factor.horizontal), (1...4).contains(factor.vertical) else { return false }
            identifiers.append(identifier)
            sampling.append(factor)
        }
        return true
    }

    /// Without JFIF, Adobe's mark decides, and without that the names of the components.
    private mutating func finish() {
        guard sampling.count == 3, !hasJFIF else { return }
        isRGB = adobeTransform.map { $0 == 0 } ?? (identifiers == [0x52, 0x47, 0x42])
    }

    /// The orientation, tag 0x0112 of the first directory in an EXIF segment: 5 to 8 stand for a quarter turn.
    private mutating func readOrientation(_ bytes: ImageBytes, _ segment: Range<Int>) {
        let tiff = segment.lowerBound + 6
        guard segment.count >= 14, bytes.text(at: segment.lowerBound, is: "Exif\0\0") else { return }
        let isLittle = bytes.text(at: tiff, is: "II*\0")
        guard isLittle || bytes.text(at: tiff, is: "MM\0*") else { return }
        guard let offset = bytes.wideNumber(at: tiff + 4, isLittle: isLittle) else { return }
        let directory = tiff + offset
        guard let count = bytes.number(at: directory, isLittle: isLittle) else { return }
        for entry in 0..<count {
            let position = directory + 2 + 12 * entry
            guard position + 12 <= segment.upperBound else { return }
            if bytes.number(at: position, isLittle: isLittle) == 0x0112 {
                isTurned = (5...8).contains(bytes.number(at: position + 8, isLittle: isLittle) ?? 0)
                return
            }
        }
    }
}

/// Encoded bytes of the caller, read within their bounds.
@safe
struct ImageBytes {
    private let bytes: UnsafeRawBufferPointer

    /// The caller vouches for the range as long as the value lives.
    init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

    var count: Int { unsafe bytes.count }

    func byte(at position: Int) -> UInt8? {
        guard position >= 0, position < count else { return nil }
        return unsafe bytes[position]
    }

    /// Two bytes, the greater first unless `isLittle`.
    func number(at position: Int, isLittle: Bool = false) -> Int? {
        guard let first = byte(at: position), let second = byte(at: position + 1) else { return nil }
        return isLittle ? Int(second) << 8 | Int(first) : Int(first) << 8 | Int(second)
    }

    /// Four bytes.
    func wideNumber(at position: Int, isLittle: Bool) -> Int? {
        guard let first = number(at: position, isLittle: isLittle),
            let second = number(at: position + 2, isLittle: isLittle)
        else { return nil }
        return isLittle ? second << 16 | first : first << 16 | second
    }

    func text(at position: Int, is text: StaticString) -> Bool {
        for (index, expected) in text.description.utf8.enumerated() where byte(at: position + index) != expected {
            return false
        }
        return true
    }
}
