// SPDX-License-Identifier: Apache-2.0

import CFuzzer
import Glibc

/// What reading may cost: an amount for any input, and one for each of its bytes. Under the address sanitizer, that is at
/// several times the cost.
enum Bounds {
    static let baseSeconds = 10.0
    static let secondsPerByte = 0.001
    static let baseBytes = 1 << 30
    static let bytesPerByte = 4096

    /// Runs `body` and ends the program if it takes too much time of the processors or too much memory.
    static func check(size: Int, _ body: () -> Void) {
        meter_start()
        let start = seconds
        body()
        let (taken, peak) = (seconds - start, meter_peak())
        guard taken <= baseSeconds + secondsPerByte * Double(size) else {
            fatalError("\(size) bytes took \(taken) seconds")
        }
        guard peak <= baseBytes + bytesPerByte * size else { fatalError("\(size) bytes took \(peak) bytes of memory") }
    }

    private static var seconds: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
