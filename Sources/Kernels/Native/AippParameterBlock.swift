// SPDX-License-Identifier: Apache-2.0

/// The parameters of dynamic AIPP as they lie in memory: a head of 64 bytes, then 96 bytes per image.
///
/// Source: the layout that `aclmdlSetInputAIPP` writes.
@safe
public struct AippParameterBlock {
    public static let headBytes = 64
    public static let imageBytes = 96

    private let base: UnsafeRawPointer

    /// - Precondition: a whole block lies at `base`, as long as the input of the model says.
    @unsafe public init(_ base: UnsafeRawPointer) { unsafe self.base = base }

    public var imageCount: Int { Int(read(4, as: Int8.self)) }

    /// The settings of one image; nil for a source format that AIPP does not read, or for an image that is resized.
    public func settings(of image: Int) -> AippSettings? {
        let format: AippSettings.Format
        switch read(0, as: UInt8.self) {
        case 1: format = .yuv420sp
        case 2: format = .xrgb8888
        case 5: format = .rgb888
        case 10: format = .yuv400
        default: return nil
        }
        let own = Self.headBytes + Self.imageBytes * image
        guard image < imageCount, !flag(own + 1) else { return nil }
        var settings = AippSettings(
            format: format, width: Int(read(8, as: Int32.self)), height: Int(read(12, as: Int32.self)))
        settings.swapsColors = flag(2)
        settings.unusedIsFirst = flag(3)
        if flag(1) { readConversion(into: &settings) }
        if flag(own) {
            settings.cropX = Int(read(own + 8, as: Int32.self))
            settings.cropY = Int(read(own + 12, as: Int32.self))
            settings.cropWidth = Int(read(own + 16, as: Int32.self))
            settings.cropHeight = Int(read(own + 20, as: Int32.self))
        }
        if flag(own + 2) {
            settings.paddingTop = Int(read(own + 40, as: Int32.self))
            settings.paddingBottom = Int(read(own + 44, as: Int32.self))
            settings.paddingLeft = Int(read(own + 48, as: Int32.self))
            settings.paddingRight = Int(read(own + 52, as: Int32.self))
        }
        for channel in 0..<4 {
            settings.mean[channel] = Int32(read(own + 56 + 2 * channel, as: Int16.self))
            settings.minimum[channel] = Float(Float16(bitPattern: read(own + 64 + 2 * channel, as: UInt16.self)))
            settings.scale[channel] = Float(Float16(bitPattern: read(own + 72 + 2 * channel, as: UInt16.self)))
        }
        return settings
    }

    private func readConversion(into settings: inout AippSettings) {
        for column in 0..<3 {
            settings.red[column] = Int32(read(16 + 2 * column, as: Int16.self))
            settings.green[column] = Int32(read(22 + 2 * column, as: Int16.self))
            settings.blue[column] = Int32(read(28 + 2 * column, as: Int16.self))
            if settings.format.isYUV {
                settings.inputBias[column] = Int32(read(43 + column, as: UInt8.self))
            } else {
                settings.outputBias[column] = Int32(read(40 + column, as: UInt8.self))
            }
        }
    }

    private func flag(_ offset: Int) -> Bool { read(offset, as: Int8.self) != 0 }

    private func read<T: BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
        // Safe: the offsets lie in the head or in the part of an image that the block was said to have.
        unsafe base.loadUnaligned(fromByteOffset: offset, as: type)
    }
}
