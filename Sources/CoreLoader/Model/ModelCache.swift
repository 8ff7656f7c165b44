// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// Finds what was made of a model before, so that loading it again costs next to nothing.
///
/// A value lives as long as somebody uses it; besides, the last few stay, so that a query of the sizes followed by a
/// load prepares once. Threads that ask for the same new model at the same time wait for one preparation, which
/// threads with other models do not wait for.
final class ModelCache<Key: Hashable & Sendable, Value: AnyObject & Sendable>: Sendable {
    private let state = Protected(State())
    private let recentLimit: Int

    private struct State {
        var known: [Key: WeakValue] = [:]
        var recent: [Value] = []
        var preparations: [Key: Preparation] = [:]
    }

    private struct WeakValue {
        weak var value: Value?
    }

    /// Where threads that want the same new model wait for each other.
    private final class Preparation: @unchecked Sendable {
        let turn = Protected(())
        /// Guarded by the lock of the cache.
        var threads = 0
    }

    /// - `recentLimit`: how many values to hold although nobody uses them.
    init(recentLimit: Int) { self.recentLimit = recentLimit }

    /// The value under this key, made by `prepare` unless it is at hand. An error is not remembered.
    func value(for key: Key, prepare: () throws(Failure) -> Value) throws(Failure) -> Value {
        if let value = find(key) { return value }
        let preparation = state.withLock { state in
            let preparation = state.preparations[key] ?? Preparation()
            state.preparations[key] = preparation
            preparation.threads += 1
            return preparation
        }
        defer {
            state.withLock { state in
                preparation.threads -= 1
                if preparation.threads == 0 { state.preparations[key] = nil }
            }
        }
        return try preparation.turn.withLock { _ throws(Failure) in
            if let value = find(key) { return value }
            let value = try prepare()
            remember(value, key)
            return value
        }
    }

    private func find(_ key: Key) -> Value? {
        guard let value = state.withLock({ $0.known[key]?.value }) else { return nil }
        remember(value, key)
        return value
    }

    private func remember(_ value: Value, _ key: Key) {
        // What falls out of the list is released after the lock, since that can take a while.
        let forgotten: Value? = state.withLock { state in
            if state.known.count > 4 * recentLimit { state.known = state.known.filter { $0.value.value != nil } }
            state.known[key] = WeakValue(value: value)
            state.recent.removeAll { $0 === value }
            state.recent.append(value)
            return state.recent.count > recentLimit ? state.recent.removeFirst() : nil
        }
        _ = consume forgotten
    }

    /// For tests: how many models the cache keeps track of.
    var knownCount: Int { state.withLock { $0.known.count } }
}
