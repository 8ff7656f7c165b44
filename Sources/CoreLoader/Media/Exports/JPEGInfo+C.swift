// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func acldvppJpegGetImageInfo(
    _ data: UnsafeRawPointer?, _ size: UInt32, _ width: UnsafeMutablePointer<UInt32>?,
    _ height: UnsafeMutablePointer<UInt32>?, _ components: UnsafeMutablePointer<Int32>?
) -> aclError {
    status { () throws(Failure) in
        let header = try unsafe jpegHeader(data, size, "size")
        Output(width)?.write(UInt32(header.shownWidth))
        Output(height)?.write(UInt32(header.shownHeight))
        Output(components)?.write(Int32(header.sampling.count))
    }
}

@c @implementation
public func acldvppJpegGetImageInfoV2(
    _ data: UnsafeRawPointer?, _ size: UInt32, _ width: UnsafeMutablePointer<UInt32>?,
    _ height: UnsafeMutablePointer<UInt32>?, _ components: UnsafeMutablePointer<Int32>?,
    _ format: UnsafeMutablePointer<acldvppJpegFormat>?
) -> aclError {
    status { () throws(Failure) in
        let header = try unsafe jpegHeader(data, size, "size")
        Output(width)?.write(UInt32(header.shownWidth))
        Output(height)?.write(UInt32(header.shownHeight))
        Output(components)?.write(Int32(header.sampling.count))
        Output(format)?.write(acldvppJpegFormat(rawValue: header.colours.rawValue))
    }
}

@c @implementation
public func acldvppJpegPredictDecSize(
    _ data: UnsafeRawPointer?, _ dataSize: UInt32, _ outputPixelFormat: acldvppPixelFormat,
    _ decSize: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        guard let result = Output(decSize) else {
            throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "decSize"))
        }
        let header = try unsafe jpegHeader(data, dataSize, "dataSize")
        for (side, pixels) in [("width", header.shownWidth), ("height", header.shownHeight)] {
            try checkSide(pixels, "the \(side) of the picture")
        }
        guard let perPair = ImageLayout.bytesPerTwoPixels(decoding: header, to: outputPixelFormat) else {
            throw Failure(
                ErrorCode.formatNotMatch,
                .invalid(
                    argument: "outputPixelFormat", value: "\(outputPixelFormat.rawValue)",
                    reason: "a picture of this kind cannot be decoded to it"))
        }
        let (width, height) = (roundedUp(header.shownWidth, 128), roundedUp(header.shownHeight, 16))
        result.write(UInt32(width * height * perPair / 2))
    }
}

@c @implementation
public func acldvppJpegPredictEncSize(
    _ inputDesc: OpaquePointer?, _ config: OpaquePointer?, _ size: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        let picture = try ImageObjects.pictures.value(inputDesc, "inputDesc")
        _ = try ImageObjects.encoders.value(config, "config")
        guard let result = Output(size) else {
            throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "size"))
        }
        try checkSide(Int(picture.width), "the width of inputDesc")
        try checkSide(Int(picture.height), "the height of inputDesc")
        guard let perPair = ImageLayout.bytesPerTwoPixels(encoding: acldvppPixelFormat(rawValue: picture.format)) else {
            throw Failure(
                ErrorCode.formatNotMatch,
                .invalid(
                    argument: "the format of inputDesc", value: "\(picture.format)",
                    reason: "only YUV 4:2:0 with two planes and packed YUV 4:2:2 can be encoded"))
        }
        try checkStrides(picture, isPacked: perPair == 2)
        // Two numbers of 32 bits: their product fits, and stays small enough to be multiplied once it is checked.
        let positions = UInt64(picture.widthStride) * UInt64(picture.heightStride)
        let limit = UInt64(UInt32.max) - ImageLayout.encoderAlignment - ImageLayout.encoderHeaderBytes
        guard positions <= limit, positions / 2 * UInt64(perPair) <= limit else {
            throw Failure(
                ErrorCode.invalidParam,
                .invalid(
                    argument: "the strides of inputDesc", value: "\(picture.widthStride), \(picture.heightStride)",
                    reason: "the picture has more than 4 GiB"))
        }
        let bytes = positions / 2 * UInt64(perPair) + ImageLayout.encoderHeaderBytes
        result.write(UInt32((bytes + ImageLayout.encoderAlignment - 1) & ~(ImageLayout.encoderAlignment - 1)))
    }
}

/// The header of the caller's picture. 100000 for null and for memory that is known to be too small, freed or
/// not there, 500001 for bytes that are not a JPEG picture.
private func jpegHeader(
    _ data: UnsafeRawPointer?, _ size: UInt32, _ sizeArgument: String
) throws(Failure) -> JPEGHeader {
    let start = address(of: data)
    guard let data = unsafe data else { throw Failure(ErrorCode.invalidParam, .nullPointer(argument: "data")) }
    try MemoryRegistry.shared.check(start, bytes: Int(size), argument: "data", code: ErrorCode.invalidParam)
    func refusal(_ problem: String) -> Failure {
        Failure(
            ErrorCode.invalidParam, .invalid(argument: "data", value: hexadecimal(start), reason: "this is \(problem)"))
    }
    guard let range = AddressRange(start: start, byteCount: Int(size)) else {
        throw refusal("the end of the address space")
    }
    if let problem = AddressProbe.problem(with: range) { throw refusal(problem) }
    // Safe: the bytes are there, as far as anybody can know, and they are watched.
    let found = try MemoryGuard.use(range, writing: false, refusal) {
        unsafe JPEGHeader(ImageBytes(UnsafeRawBufferPointer(start: data, count: Int(size))))
    }
    guard let header = found else {
        throw Failure(
            ErrorCode.failure,
            .invalid(
                argument: "data", value: hexadecimal(start),
                reason: "its \(size) bytes (\(sizeArgument)) are not a JPEG picture with a complete header"))
    }
    return header
}

/// What the encoder and the decoder take: 32 to 8192 pixels.
private func checkSide(_ pixels: Int, _ what: String) throws(Failure) {
    guard (32...8192).contains(pixels) else {
        throw Failure(
            ErrorCode.invalidParam,
            .invalid(argument: what, value: "\(pixels)", reason: "it must be 32 to 8192 pixels"))
    }
}

/// The padding that the encoder expects.
private func checkStrides(_ picture: PictureDescription, isPacked: Bool) throws(Failure) {
    let isWidthRight =
        isPacked
        ? Int(picture.widthStride) == roundedUp(2 * Int(picture.width), 16)
        : picture.widthStride >= picture.width && picture.widthStride % 16 == 0
    guard isWidthRight else {
        throw Failure(
            ErrorCode.invalidParam,
            .invalid(
                argument: "the width stride of inputDesc", value: "\(picture.widthStride)",
                reason: isPacked
                    ? "it must be twice the width, rounded up to a multiple of 16"
                    : "it must be a multiple of 16, at least the width"))
    }
    let isHeightRight =
        picture.heightStride == picture.height
        || (picture.heightStride > picture.height && picture.heightStride % 16 == 0)
    guard isHeightRight else {
        throw Failure(
            ErrorCode.invalidParam,
            .invalid(
                argument: "the height stride of inputDesc", value: "\(picture.heightStride)",
                reason: "it must be the height, or a greater multiple of 16"))
    }
}

private func roundedUp(_ value: Int, _ multiple: Int) -> Int { (value + multiple - 1) / multiple * multiple }
