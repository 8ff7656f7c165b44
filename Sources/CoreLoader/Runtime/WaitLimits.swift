// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Time limits of the whole process.
enum WaitLimits {
    private static let waitSeconds = Atomic<UInt32>(0)
    private static let executeMicroseconds = Atomic<UInt64>(0)

    /// Seconds that a stream waits for an event or a notify when the wait itself names no limit; 0 for ever.
    static var wait: UInt32 {
        get { waitSeconds.load(ordering: .relaxed) }
        set { waitSeconds.store(newValue, ordering: .relaxed) }
    }

    /// Microseconds that an operator may take, as set; a CPU does not interrupt operators.
    static var execution: UInt64 {
        get { executeMicroseconds.load(ordering: .relaxed) }
        set { executeMicroseconds.store(newValue, ordering: .relaxed) }
    }
}
