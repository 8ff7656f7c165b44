// SPDX-License-Identifier: Apache-2.0

/// An allocator of the program, as addresses of its object and functions; 0 for what is not set.
struct CustomAllocator: Sendable, Equatable {
    var object: UInt = 0
    var allocate: UInt = 0
    var free: UInt = 0
    var allocateAdvised: UInt = 0
    var addressOfBlock: UInt = 0

    var isComplete: Bool { object != 0 && allocate != 0 && free != 0 && addressOfBlock != 0 }

    /// A description that the program fills in.
    final class Description: Sendable {
        static let table = HandleTable<Description>(.allocator)
        let allocator = Protected(CustomAllocator())
    }

    /// What is registered for a stream: a copy, and the description it came from.
    struct Registration: Sendable {
        let description: Handle
        let allocator: CustomAllocator
    }
}
