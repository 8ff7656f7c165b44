// SPDX-License-Identifier: Apache-2.0

/// The bytes of a model where a caller has them: in memory or in a file.
@safe
enum ModelBytes {
    /// Hands the bytes of a model in memory to `body`, after the checks that come before looking at the content.
    static func inMemory<Result>(
        _ model: UnsafeRawPointer?, _ size: Int, isBundle: Bool = false,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let model = unsafe model else { throw .null("model") }
        guard size != 0 else { throw .argument("modelSize", value: "0", reason: "a model has at least 256 bytes") }
        guard let range = AddressRange(start: address(of: model), byteCount: size) else {
            throw .argument(
                "modelSize", value: "\(UInt(bitPattern: size))", reason: "so many bytes leave the address space")
        }
        if let problem = AddressProbe.problemReading(range) { throw refusal(range, problem) }
        let bytes = unsafe UnsafeRawBufferPointer(start: model, count: size)
        try unsafe reading(bytes) { () throws(Failure) in try unsafe checkBeginning(bytes, isBundle: isBundle) }
        return try unsafe body(bytes)
    }

    /// Runs `body`, which reads some of the bytes of a model; throws 100000 when they are taken away meanwhile.
    static func reading<Result>(
        _ bytes: UnsafeRawBufferPointer, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let range = AddressRange(start: address(of: bytes.baseAddress), byteCount: bytes.count) else {
            return try body()
        }
        return try MemoryGuard.use(range, writing: false, { refusal(range, $0) }, body)
    }

    private static func refusal(_ range: AddressRange, _ problem: String) -> Failure {
        .argument("model", value: "\(range)", reason: "this is \(problem)")
    }

    /// Hands the content of a model file to `body`.
    static func inFile<Result>(
        _ path: UnsafePointer<CChar>?, argument: String, isBundle: Bool = false,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let path = text(path) else { throw .null(argument) }
        return try unsafe inFile(path, isBundle: isBundle, body)
    }

    static func inFile<Result>(
        _ path: String, isBundle: Bool = false, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let content = try FileContent(model: path)
        let bytes = unsafe content.bytes
        try unsafe checkBeginning(bytes, isBundle: isBundle)
        guard bytes.count >= 256 else {
            throw .model(
                ErrorCode.geExecModelDataSizeInvalid, value: "\(bytes.count)", parameter: "size of \(path)",
                reason: "a model has at least 256 bytes")
        }
        return try unsafe body(bytes)
    }

    /// The first bytes of a ZIP file as a number.
    static let packageMagic: UInt32 = 0x0403_4b50

    private static func checkBeginning(_ bytes: UnsafeRawBufferPointer, isBundle: Bool) throws(Failure) {
        guard bytes.count >= 4 else {
            throw .model(
                ErrorCode.geExecModelDataSizeInvalid, value: "\(bytes.count)", parameter: "modelSize",
                reason: "a model has at least 256 bytes")
        }
        if unsafe bytes.loadUnaligned(as: UInt32.self).littleEndian == packageMagic {
            throw Failure(
                isBundle ? ErrorCode.apiNotSupport : ErrorCode.rtFeatureNotSupport,
                .unsupported(
                    "The model is a ZIP package (OM2) with kernels for the NPU, which a CPU cannot run. "
                        + "Convert the model into an .om file"))
        }
    }
}
