// SPDX-License-Identifier: Apache-2.0

import SystemMemory

extension OfflineModelError {
    /// Throws when the system has refused memory to the calling thread's call.
    static func checkMemory() throws(OfflineModelError) {
        do throws(MemoryExhausted) { try SystemMemory.check() } catch { throw .memoryExhausted("\(error)") }
    }

    /// Throws when the system has no memory for `count` elements.
    static func requireMemory<Element>(_ count: Int, of type: Element.Type) throws(OfflineModelError) {
        do throws(MemoryExhausted) {
            try SystemMemory.require(count, of: type)
        } catch {
            throw .memoryExhausted("\(error)")
        }
    }
}
