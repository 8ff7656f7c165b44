// SPDX-License-Identifier: Apache-2.0

import SystemMemory

/// A lack of the system's memory as the model engine reports it: 245000.
enum EngineMemory {
    /// Before something that stays is made. Throws when the reserve is needed for what is under way.
    static func begin() throws(Failure) {
        guard !SystemMemory.isScarce else { throw failure(MemoryExhausted()) }
    }

    /// Throws when the system has refused memory to this call, so that it leaves nothing behind.
    static func check() throws(Failure) {
        do throws(MemoryExhausted) { try SystemMemory.check() } catch { throw failure(error) }
    }

    /// Throws when the system has no `byteCount` bytes at this moment.
    static func require(_ byteCount: Int) throws(Failure) {
        do throws(MemoryExhausted) { try SystemMemory.require(byteCount) } catch { throw failure(error) }
    }

    static func failure(_ error: MemoryExhausted) -> Failure {
        .engine(ErrorCode.geMemoryAllocation, "The call cannot be carried out: \(error).")
    }
}

extension Failure {
    /// What a failure below the engine is to the caller: `code`, unless it came from a lack of memory.
    static func engine(_ code: Int32, _ error: any Error, _ text: String) -> Failure {
        SystemMemory.wasExhausted || error is MemoryExhausted
            ? .engine(ErrorCode.geMemoryAllocation, text) : .engine(code, text)
    }
}
