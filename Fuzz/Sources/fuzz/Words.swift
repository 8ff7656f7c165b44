// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Texts that mean something in a model: the lines of the file that FUZZ_WORDS names.
enum Words {
    static let all: [[UInt8]] = {
        guard let path = unsafe getenv("FUZZ_WORDS"), let file = unsafe fopen(path, "r") else { return [] }
        defer { unsafe fclose(file) }
        var words: [[UInt8]] = [[]]
        while true {
            switch unsafe fgetc(file) {
            case EOF: return words
            case 10: words.append([])
            case let byte: words[words.count - 1].append(UInt8(truncatingIfNeeded: byte))
            }
        }
    }()
}
