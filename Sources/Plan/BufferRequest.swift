// SPDX-License-Identifier: Apache-2.0

/// A buffer that must be somewhere from one step of a program to another.
public struct BufferRequest: Equatable, Sendable {
    /// Bytes; a buffer of size 0 takes no room.
    public var size: Int
    /// The step that writes the buffer first.
    public var firstUse: Int
    /// The last step that needs it, included.
    public var lastUse: Int

    public init(size: Int, firstUse: Int, lastUse: Int) {
        self.size = size
        self.firstUse = firstUse
        self.lastUse = lastUse
    }

    /// Whether there is a step at which both buffers are needed.
    public func isLive(with other: BufferRequest) -> Bool {
        firstUse <= other.lastUse && other.firstUse <= lastUse
    }
}

/// Why buffers cannot be placed.
public enum PlanError: Error, Equatable, CustomStringConvertible {
    /// A request of negative size, or one that ends before it begins.
    case invalidRequest(index: Int, BufferRequest)
    /// An alignment that is not a positive number.
    case invalidAlignment(Int)
    /// The buffers that are live at one time exceed the address space.
    case tooLarge

    public var description: String {
        switch self {
        case .invalidRequest(let index, let request):
            "buffer \(index) has size \(request.size) and is used from step \(request.firstUse) to \(request.lastUse)"
        case .invalidAlignment(let alignment): "the alignment is \(alignment), expected a positive number"
        case .tooLarge: "the buffers that are needed at one time exceed the address space"
        }
    }
}
