// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Cleans up when a signal is to end the program, and then lets it end as that signal does.
///
/// A thread of its own waits for the signals, so that what it does need not be fit for a signal handler.
enum Interruption {
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU]
    private static let output = Mutex<OutputFiles?>(nil)

    /// To be called before there are other threads, which then leave these signals to this one. Signals that whoever
    /// started the program ignores (`nohup`) or holds back stay so.
    static func watch() {
        // Never freed: the thread lives as long as the process.
        let watched = UnsafeMutablePointer<sigset_t>.allocate(capacity: 1)
        var blocked = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, nil, &blocked)
        unsafe sigemptyset(watched)
        for signal in signals where unsafe sigismember(&blocked, signal) == 0 && !isIgnored(signal) {
            unsafe sigaddset(watched, signal)
        }
        unsafe pthread_sigmask(SIG_BLOCK, watched, nil)
        var thread = pthread_t()
        let failure = unsafe pthread_create(&thread, nil, { unsafe Interruption.wait($0) }, watched)
        // Without the thread the signals end the program as ever.
        if failure != 0 { unsafe pthread_sigmask(SIG_UNBLOCK, watched, nil) }
    }

    private static func isIgnored(_ signal: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(signal, nil, &action) == 0 else { return false }
        // Safe: only compared with the number that stands for "ignored".
        return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// What is to be removed on a signal; nil for nothing.
    static func discards(_ files: OutputFiles?) { output.withLock { $0 = files } }

    private static func wait(_ watched: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        // Safe: `watch` has made it.
        guard let set = unsafe watched?.assumingMemoryBound(to: sigset_t.self) else { return nil }
        var signal: Int32 = 0
        while unsafe sigwait(set, &signal) != 0 {}
        // The locks are held to the end, so that no new file comes.
        output.withLock { files in
            guard let files else { return end(by: signal) }
            files.discard { end(by: signal) }
        }
        return nil
    }

    private static func end(by signal: Int32) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, signal)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(signal)
    }
}
