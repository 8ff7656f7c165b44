// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// `acldvppPicDesc`: where a picture lies and how it is laid out. Zeros until set, as in the original.
struct PictureDescription: Sendable {
    var data: UInt = 0
    /// Bytes.
    var size: UInt32 = 0
    /// `acldvppPixelFormat`, unchecked as in the original.
    var format: UInt32 = 0
    var width: UInt32 = 0
    var height: UInt32 = 0
    /// Bytes from line to line, and lines with padding.
    var widthStride: UInt32 = 0
    var heightStride: UInt32 = 0
    var returnCode: UInt32 = 0
    /// It belongs to a batch, which destroys it.
    var isInBatch = false
}

/// `acldvppStreamDesc`: a piece of encoded video.
struct VideoDescription: Sendable {
    var data: UInt = 0
    /// Bytes.
    var size: UInt32 = 0
    /// `acldvppStreamFormat`, unchecked as in the original.
    var format: UInt32 = 0
    var timestamp: UInt64 = 0
    var returnCode: UInt32 = 0
    /// 1 at the end of the sequence, else 0.
    var endOfSequence: UInt8 = 0
}

/// `acldvppRoiConfig`: an area of a picture, in pixels.
struct PictureArea: Sendable {
    var left: UInt16
    var right: UInt16
    var top: UInt16
    var bottom: UInt16
}

/// `acldvppBorderConfig`.
struct BorderSettings: Sendable {
    static let valueCount = 4
    /// One value per component of a pixel.
    var values = [Double](repeating: 0, count: valueCount)
    /// `acldvppBorderType`, unchecked as in the original.
    var type: UInt32 = 0
    var top: UInt32 = 0
    var bottom: UInt32 = 0
    var left: UInt32 = 0
    var right: UInt32 = 0
}

/// `acldvppChannelDesc`. It has a number from the start, as in the original, though its channel is never opened.
struct ImageChannel: Sendable {
    private static let numbers = Atomic<UInt64>(0)

    let channelID = numbers.add(1, ordering: .relaxed).newValue
    /// Bits of `acldvppChannelMode`; 0 until set.
    var mode: UInt32 = 0
}

/// The live objects of image processing.
enum ImageObjects {
    static let pictures = ValueTable<PictureDescription>(.pictureDescription)
    static let batches = ValueTable<[Handle]>(.pictureBatch)
    static let videos = ValueTable<VideoDescription>(.videoDescription)
    static let areas = ValueTable<PictureArea>(.pictureArea)
    /// The kind of interpolation of a resize.
    static let resizes = ValueTable<UInt32>(.resizeSettings)
    /// The quality of a JPEG encoder.
    static let encoders = ValueTable<UInt32>(.encoderSettings)
    static let borders = ValueTable<BorderSettings>(.borderSettings)
    static let channels = ValueTable<ImageChannel>(.imageChannel)
}

extension Failure {
    /// An address that a description shall hold: null, or memory that is known to be freed.
    static func checkData(_ address: UInt) throws(Failure) {
        guard address != 0 else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "dataDev")) }
        try MemoryRegistry.shared.check(address, bytes: 1, argument: "dataDev", code: ErrorCode.invalidParam)
    }
}
