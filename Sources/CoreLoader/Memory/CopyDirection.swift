// SPDX-License-Identifier: Apache-2.0

/// Where the two sides of a copy are, and what that means for an asynchronous one.
struct CopyDirection: Equatable {
    enum Side: Equatable {
        case device
        /// Pinned or registered host memory.
        case pinned
        /// Host memory that the registry does not know.
        case pageable

        var isHost: Bool { self != .device }

        init(_ address: UInt) {
            switch MemoryRegistry.shared.location(of: address) {
            case .live(.host, _), .registered: self = .pinned
            case .live, .freed, .neverAllocated: self = .device
            case .unknown: self = .pageable
            }
        }
    }

    /// `aclrtMemcpyKind`.
    enum Kind: UInt32 {
        case hostToHost = 0
        case hostToDevice, deviceToHost, deviceToDevice, automatic, hostToBufferToDevice

        var sourceIsHost: Bool { self != .deviceToHost && self != .deviceToDevice }
        var destinationIsHost: Bool { self == .hostToHost || self == .deviceToHost || self == .automatic }
    }

    let source: Side
    let destination: Side

    /// Throws 107000 for a kind that takes memory unknown to the registry for device memory, 207000 from host to host.
    init(source: Side, destination: Side, kind: Kind) throws(Failure) {
        self.source = source
        self.destination = destination
        if source == .pageable, !kind.sourceIsHost { throw Self.mismatch(kind, "src") }
        if destination == .pageable, !kind.destinationIsHost { throw Self.mismatch(kind, "dst") }
        guard !(source.isHost && destination.isHost) else {
            throw Failure(
                ErrorCode.rtFeatureNotSupport, .unsupported("An asynchronous copy from host to host is not supported"))
        }
    }

    private static func mismatch(_ kind: Kind, _ side: String) -> Failure {
        Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "kind", value: "\(kind.rawValue)",
                expected: "a kind in which \(side) is host memory, because this library did not allocate it",
                layer: .runtime))
    }

    /// Such a copy is done before the call returns, after what is in the stream already.
    var isSynchronous: Bool { source == .pageable || destination == .pageable }
}
