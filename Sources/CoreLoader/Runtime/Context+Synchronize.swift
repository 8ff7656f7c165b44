// SPDX-License-Identifier: Apache-2.0

extension Context {
    /// As for streams: a function that one of the streams waits for cannot wait for all of them.
    func refuseWaitingOnItself() throws(Failure) {
        for stream in allStreams { try stream.refuseWaitingOnItself() }
    }

    /// Waits for the created streams, then for the default stream; throws the first error after all have finished, or
    /// 507046 when the deadline passes.
    func synchronize(until deadline: Deadline) throws(Failure) {
        var first: Failure?
        for stream in allStreams where !stream.isNeverWaitedFor {
            do throws(Failure) {
                try stream.synchronize(until: deadline)
            } catch {
                if error.code == ErrorCode.rtStreamSyncTimeout { throw error }
                first = first ?? error
            }
        }
        if let first { throw first }
    }
}

extension Stream {
    /// Waits for everything submitted so far; throws what failed since the last wait, or 507046.
    func synchronize(until deadline: Deadline) throws(Failure) {
        guard !isNeverWaitedFor else { return }
        try refuseWaitingOnItself()
        switch try waitForAllAndListen(until: deadline) {
        case .timedOut:
            throw Failure(
                ErrorCode.rtStreamSyncTimeout, .timeout("The work of stream \(id) did not finish within the time given")
            )
        case .done(error: ErrorCode.success): return
        case .done(let error):
            throw Failure(error, .inner("EE9999", text: "A task of stream \(id) failed with \(error)."))
        }
    }
}
