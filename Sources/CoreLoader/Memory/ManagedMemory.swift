// SPDX-License-Identifier: Apache-2.0

/// What programs have said about their managed memory. Host and device share it here, so nothing moves.
final class ManagedMemory: Sendable {
    static let shared = ManagedMemory()

    /// A place: a kind of `aclrtMemManagedLocationType` and a number.
    struct Location: Sendable, Equatable {
        var type: UInt32
        var id: Int32

        static let none = Location(type: 0, id: -1)
    }

    struct Advice: Sendable, Equatable {
        var isReadMostly = false
        var preferred = Location.none
        var accessedBy: [Location] = []
        var lastPrefetch = Location.none
    }

    /// By the start of the block.
    private let advice = Protected<[UInt: Advice]>([:])

    /// The start of the managed block that holds the range; throws 107000 when there is none.
    func block(at address: UInt, bytes: UInt, argument: String = "ptr") throws(Failure) -> UInt {
        guard let block = MemoryRegistry.shared.liveBlock(at: address), block.kind == .managed,
            bytes <= UInt(block.reservedBytes) - min(UInt(block.reservedBytes), address - block.base)
        else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: argument, value: hexadecimal(address),
                    expected: "\(bytes) bytes of managed memory; this is "
                        + MemoryRegistry.shared.describe(address), layer: .runtime))
        }
        return block.base
    }

    func forget(_ block: UInt) { advice.withLock { $0[block] = nil } }

    func update(_ block: UInt, _ change: (inout Advice) -> Void) {
        advice.withLock { change(&$0[block, default: Advice()]) }
    }

    func advice(for block: UInt) -> Advice { advice.withLock { $0[block] ?? Advice() } }

    /// The 32-bit words that answer a query for `attribute`; nil for an unknown one.
    /// - `capacity`: how many words the caller takes; lists are filled up with "none".
    static func words(_ advice: Advice, attribute: UInt32, capacity: Int) -> [Int32]? {
        switch attribute {
        case 1: return [advice.isReadMostly ? 1 : 0]
        case 2, 5: return [advice.preferred.id]
        case 3:
            let ids = advice.accessedBy.map(\.id).prefix(capacity)
            return ids + Array(repeating: -2, count: capacity - ids.count)
        case 4: return [Int32(advice.preferred.type)]
        case 6, 8: return [advice.lastPrefetch.id]
        case 7: return [Int32(advice.lastPrefetch.type)]
        default: return nil
        }
    }
}
