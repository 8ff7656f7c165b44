// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The messages about failures that nobody has read yet, in the layout of `aclGetRecentErrMsg`.
struct MessageQueue {
    /// More than this many are not kept; the oldest stay.
    static let limit = 1000

    private struct Entry {
        let message: MessageText
        let time: String
        /// Names the thread in the queue of the whole process.
        let suffix: String
    }

    private var entries: [Entry] = []
    private var known: Set<MessageText> = []

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// Moves the messages after the first `count` into a queue of their own.
    mutating func split(after count: Int) -> MessageQueue {
        var rest = MessageQueue()
        guard count < entries.count else { return rest }
        rest.append(contentsOf: entries[count...])
        for entry in entries[count...] { known.remove(entry.message) }
        entries.removeSubrange(count...)
        return rest
    }

    mutating func append(contentsOf other: MessageQueue) { append(contentsOf: other.entries[...]) }

    private mutating func append(contentsOf others: ArraySlice<Entry>) {
        for entry in others where entries.count < Self.limit && known.insert(entry.message).inserted {
            entries.append(entry)
        }
    }

    /// Messages equal to one already queued are dropped.
    mutating func append(_ message: MessageText, suffix: String = "") {
        guard entries.count < Self.limit, known.insert(message).inserted else { return }
        entries.append(Entry(message: message, time: timestamp(), suffix: suffix))
    }

    /// The whole text, headline first; nil when there is nothing. Empties the queue.
    mutating func take() -> String? {
        guard !entries.isEmpty else { return nil }
        defer {
            entries.removeAll()
            known.removeAll()
        }
        var text = ""
        var rest = entries
        if let headline = entries.firstIndex(where: { !$0.message.isInner }) {
            let entry = rest.remove(at: headline)
            text += "[PID: \(getpid())] \(entry.time) \(entry.message.title)(\(entry.message.code)): "
            text += "\(entry.message.text)\(entry.suffix)\n"
            if let solution = entry.message.solution { text += "        Solution: \(solution)\n" }
        } else {
            let entry = rest.removeFirst()
            text += "\(entry.message.code): Internal error!\n"
            text += Self.line(entry) + "\n"
        }
        if !rest.isEmpty {
            text += "        TraceBack (most recent call last):\n"
            for entry in rest { text += "        \(Self.line(entry))\n" }
        }
        return text
    }

    private static func line(_ entry: Entry) -> String {
        guard entry.message.isInner else { return entry.message.text + entry.suffix }
        return "\(entry.message.code)[PID: \(getpid())] \(entry.time) \(entry.message.title)(\(entry.message.code)):  "
            + entry.message.text + entry.suffix
    }
}

/// Local time as `2026-08-22-13:05:09.123.456`.
func timestamp() -> String {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    var parts = unsafe tm()
    unsafe localtime_r(&now.tv_sec, &parts)
    func digits(_ number: Int32, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
    let date = unsafe [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour]
    let time = unsafe [parts.tm_min, parts.tm_sec]
    let microseconds = Int32(now.tv_nsec / 1000)
    let day = date.map { digits($0, 2) }.joined(separator: "-")
    let clock = time.map { digits($0, 2) }.joined(separator: ":")
    return "\(day):\(clock).\(digits(microseconds / 1000, 3)).\(digits(microseconds % 1000, 3))"
}
