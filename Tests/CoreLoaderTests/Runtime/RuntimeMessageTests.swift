// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CoreLoader

@Suite struct RuntimeMessageTests {
    private let null = Message.nullPointer(argument: "devPtr").rendered(function: "aclrtMalloc")
    private let inner = Message.inner("EH9999", text: "Something broke.").rendered(function: "aclrtMalloc")

    @Test func oneMessageIsTheHeadline() throws {
        var queue = MessageQueue()
        queue.append(null)
        let taken = queue.take()
        let text = try #require(taken)
        let pattern =
            /\[PID: \d+\] \d{4}-\d\d-\d\d-\d\d:\d\d:\d\d\.\d{3}\.\d{3} Invalid_Argument_Null_Pointer\(EH0008\): .*\n/
        #expect(text.prefixMatch(of: pattern) != nil)
        #expect(text.contains("aclrtMalloc") && text.contains("devPtr") && text.contains("        Solution: "))
        #expect(!text.contains("TraceBack"))
    }

    private func expectText(_ queue: inout MessageQueue) {
        let text = queue.take()
        #expect(text != nil)
    }

    @Test func readingEmptiesTheQueue() {
        var queue = MessageQueue()
        queue.append(null)
        expectText(&queue)
        let second = queue.take()
        #expect(second == nil)
        queue.append(null)
        expectText(&queue)
    }

    @Test func theFirstPublicMessageLeadsAndTheRestIsTraced() throws {
        var queue = MessageQueue()
        queue.append(inner)
        queue.append(null)
        queue.append(null)
        let taken = queue.take()
        let lines = try #require(taken).split(separator: "\n").map(String.init)
        #expect(lines[0].contains("EH0008"))
        #expect(lines.contains("        TraceBack (most recent call last):"))
        #expect(lines.filter { $0.contains("devPtr") }.count == 1)
        #expect(lines.last?.contains("EH9999") == true)
    }

    @Test func innerMessagesAloneHaveTheirOwnHeadline() {
        var queue = MessageQueue()
        queue.append(inner)
        let taken = queue.take()
        #expect(taken?.hasPrefix("EH9999: Internal error!\n") == true)
    }

    @Test func atMostAThousandAreKept() throws {
        var queue = MessageQueue()
        for number in 0..<3000 {
            queue.append(
                Message.unexpected(argument: "size", value: "\(number)", expected: "0").rendered(
                    function: "aclrtMalloc"))
        }
        let taken = queue.take()
        #expect(try #require(taken).split(separator: "\n").count <= MessageQueue.limit + 2)
    }
}
