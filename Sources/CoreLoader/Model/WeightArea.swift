// SPDX-License-Identifier: Apache-2.0

/// Weight memory that a caller manages and one or more loads of one model use.
final class WeightArea: @unchecked Sendable {
    // `users` is guarded by the lock of `CallerAreas`, everything else is constant or guarded by its own.
    let range: AddressRange
    let model: ContentDigest
    var users = 1
    /// Fingerprint of the written weights; nil as long as nothing was written.
    private let content = Protected<ContentDigest?>(nil)

    init(range: AddressRange, model: ContentDigest) {
        self.range = range
        self.model = model
    }

    /// The first caller writes, those who come meanwhile wait for it, later ones compare without writing.
    func fillOrVerify(_ write: () throws(Failure) -> Void) throws(Failure) {
        let expected = try content.withLock { content throws(Failure) -> ContentDigest? in
            if let content { return content }
            try write()
            content = try currentContent()
            return nil
        }
        guard let expected, try expected != currentContent() else { return }
        throw .userMemory(
            ErrorCode.geParamInvalid,
            "The weight memory (\(range)) is used by loaded models but no longer holds what was written there. "
                + "Something overwrote it: unload those models, then load again.")
    }

    private func currentContent() throws(Failure) -> ContentDigest {
        try MemoryGuard.use(range, writing: false, unreadable) {
            // Safe: the load has found the area to be usable, and it is watched.
            unsafe ContentDigest(
                of: UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: range.start), count: range.byteCount))
        }
    }

    private func unreadable(_ problem: String) -> Failure {
        .userMemory(ErrorCode.geParamInvalid, "The weight memory (\(range)) is \(problem).")
    }
}
