// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic
import Synchronization

/// The loaded models by id. Ids are given out once, starting at a family's first id, and never again.
///
/// The table is striped, so that executions of different models seldom meet even for the moment of a lookup.
final class ModelTable<Value: AnyObject & Sendable>: Sendable {
    private static var stripeCount: Int { 16 }

    private let nextID: Atomic<UInt32>
    private let stripes: [Stripe]

    private final class Stripe: Sendable {
        let values = Protected<[UInt32: Value]>([:])
    }

    init(firstID: UInt32) {
        nextID = Atomic(firstID)
        stripes = (0..<Self.stripeCount).map { _ in Stripe() }
    }

    /// A new id; as in the original it is used up even if the load then fails.
    func takeID() -> UInt32 { nextID.wrappingAdd(1, ordering: .relaxed).oldValue }

    subscript(id: UInt32) -> Value? { stripe(of: id).values.withLock { $0[id] } }

    func insert(_ value: Value, id: UInt32) { stripe(of: id).values.withLock { $0[id] = value } }

    /// Takes the model out; only one of several callers gets it.
    func remove(_ id: UInt32) -> Value? { stripe(of: id).values.withLock { $0.removeValue(forKey: id) } }

    var all: [Value] { stripes.flatMap { $0.values.withLock { Array($0.values) } } }

    private func stripe(of id: UInt32) -> Stripe { stripes[Int(id) % Self.stripeCount] }
}
