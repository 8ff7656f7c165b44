// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CoreLoader

private final class Thing: Sendable {
    let number: Int
    init(_ number: Int) { self.number = number }
}

@Suite struct ModelTableTests {
    @Test func idsStartAtTheFirstAndAreNeverReused() {
        let table = ModelTable<Thing>(firstID: 1)
        #expect((0..<40).map { _ in table.takeID() } == Array(1...40))
        table.insert(Thing(5), id: 5)
        #expect(table[5]?.number == 5)
        #expect(table[0] == nil && table[6] == nil && table[21] == nil)
        #expect(table.remove(5)?.number == 5)
        #expect(table.remove(5) == nil && table[5] == nil)
        #expect(table.takeID() == 41)
    }

    @Test func onlyOneOfManyRemovesAModel() async {
        let table = ModelTable<Thing>(firstID: 1)
        for id in 1...100 { table.insert(Thing(id), id: UInt32(id)) }
        let removed = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (1...100).reduce(0) { $0 + (table.remove(UInt32($1)) == nil ? 0 : 1) } }
            }
            return await group.reduce(0, +)
        }
        #expect(removed == 100)
    }
}
