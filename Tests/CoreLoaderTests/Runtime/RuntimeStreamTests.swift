// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Glibc
import Synchronization
import Testing

@testable import CoreLoader

/// Runs `body` on a new thread, which starts without a context, and waits for it.
private func onNewThread(_ body: @escaping @Sendable () -> Void) {
    final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let work = unsafe Unmanaged.passRetained(Work(body))
    unsafe pthread_create(
        &thread, nil,
        { (argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? in
            guard let argument = unsafe argument else { return nil }
            unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        }, unsafe work.toOpaque())
    pthread_join(thread, nil)
}

/// Runs `body` in a context of its own.
private func inContext(_ body: @escaping @Sendable (Stream) throws -> Void) {
    onNewThread {
        do {
            let context = try Device.find(0).makeContext()
            let stream = try Stream.make(priority: 0, flags: 0)
            try body(stream)
            try Context.destroy(#require(context.handle))
        } catch {
            Issue.record(error)
        }
    }
}

@Suite struct RuntimeStreamTests {
    @Test func tasksRunInOrderOneAtATime() {
        inContext { stream in
            let seen = Protected<[Int]>([])
            for number in 0..<1000 {
                try stream.enqueue {
                    seen.withLock { $0.append(number) }
                    return 0
                }
            }
            #expect(try stream.waitForAll(until: .never) == .done(error: 0))
            #expect(seen.withLock { $0 } == Array(0..<1000))
        }
    }

    @Test func aFailureIsReportedByOneWait() {
        inContext { stream in
            let counter = Counter()
            try stream.enqueue { 507_011 }
            try stream.enqueue {
                counter.count()
                return 0
            }
            let failure = #expect(throws: Failure.self) { try stream.synchronize(until: .never) }
            #expect(failure?.code == 507_011)
            #expect(counter.value == 1)
            try stream.synchronize(until: .never)
        }
    }

    @Test func aStreamThatStopsDropsTheRest() {
        inContext { stream in
            let counter = Counter()
            stream.queue.withLock { $0.stopsOnFailure = true }
            try stream.enqueue { 507_011 }
            try stream.enqueue {
                counter.count()
                return 0
            }
            #expect(throws: Failure.self) { try stream.synchronize(until: .never) }
            #expect(counter.value == 0)
        }
    }

    @Test func waitsEndAtTheirDeadline() {
        inContext { stream in
            let gate = Monitor(false)
            try stream.enqueue {
                _ = gate.wait { $0 ? true : nil }
                return 0
            }
            #expect(try stream.waitForAll(until: Deadline(milliseconds: 20)) == .timedOut)
            gate.change { $0 = true }
            #expect(try stream.waitForAll(until: .never) == .done(error: 0))
        }
    }

    @Test func anUnrecordedEventHoldsTheStreamUntilItIsRecorded() {
        inContext { stream in
            let other = try Stream.make(priority: 0, flags: 0)
            let event = Event(flags: [.sync, .timeLine], origin: .withFlag)
            let counter = Counter()
            try event.wait(on: stream, timeoutSeconds: 0)
            try stream.enqueue {
                counter.count()
                return 0
            }
            #expect(try stream.waitForAll(until: Deadline(milliseconds: 20)) == .timedOut)
            #expect(counter.value == 0 && event.hasPendingWaits)
            try event.record(on: other)
            try stream.synchronize(until: .never)
            #expect(counter.value == 1 && !event.hasPendingWaits)
        }
    }

    @Test func eventsMadeInOtherWaysAnswerUnrecordedWaitsAsDocumented() {
        inContext { stream in
            let plain = Event(flags: [.internalSync, .timeLine], origin: .plain)
            let failure = #expect(throws: Failure.self) { try plain.wait(on: stream, timeoutSeconds: 0) }
            #expect(failure?.code == 107_000)
            try Event(flags: .sync, origin: .extended).wait(on: stream, timeoutSeconds: 0)
            let unsuited = #expect(throws: Failure.self) {
                try Event(flags: .timeLine, origin: .withFlag).wait(on: stream, timeoutSeconds: 0)
            }
            #expect(unsuited?.code == 207_000)
            try stream.synchronize(until: .never)
        }
    }

    @Test func aWaitOfOneSecondFailsTheStream() {
        inContext { stream in
            try Event(flags: .sync, origin: .withFlag).wait(on: stream, timeoutSeconds: 1)
            let failure = #expect(throws: Failure.self) { try stream.synchronize(until: .never) }
            #expect(failure?.code == 507_047)
        }
    }

    @Test func timesAreOrdered() {
        inContext { stream in
            let (first, last) = (Event(flags: [.timeLine], origin: .plain), Event(flags: [.timeLine], origin: .plain))
            let unrecorded = #expect(throws: Failure.self) { try first.time() }
            #expect(unrecorded?.code == 507_000)
            try first.record(on: stream)
            try stream.enqueue {
                usleep(2000)
                return 0
            }
            try last.record(on: stream)
            try stream.synchronize(until: .never)
            #expect(try last.time() - first.time() >= 2_000_000)
            let untimed = Event(flags: [.sync], origin: .withFlag)
            try untimed.record(on: stream)
            let failure = #expect(throws: Failure.self) { try untimed.time() }
            #expect(failure?.code == 107_006)
        }
    }

    @Test func closingInterruptsAWaitAndDropsTheRest() {
        inContext { stream in
            let counter = Counter()
            let notify = try Notify.find(Notify.make())
            try notify.waitAndReset(on: stream, timeoutSeconds: 0)
            try stream.enqueue {
                counter.count()
                return 0
            }
            try Stream.destroy(stream.handle, force: true)
            #expect(try stream.waitForAll(until: Deadline(milliseconds: 5000)) != .timedOut)
            #expect(counter.value == 0)
            let failure = #expect(throws: Failure.self) { try stream.enqueue { 0 } }
            #expect(failure?.code == 107_017)
        }
    }

    @Test func notifiesPassOnce() {
        inContext { stream in
            let other = try Stream.make(priority: 0, flags: 0)
            let notify = try Notify.find(Notify.make())
            try notify.waitAndReset(on: stream, timeoutSeconds: 0)
            #expect(try stream.waitForAll(until: Deadline(milliseconds: 10)) == .timedOut)
            try notify.record(on: other)
            try stream.synchronize(until: .never)
            try notify.waitAndReset(on: stream, timeoutSeconds: 1)
            #expect(throws: Failure.self) { try stream.synchronize(until: .never) }
        }
    }

    @Test func aTaskCannotWaitForItsOwnStream() {
        inContext { stream in
            try stream.enqueue(streamTask { () throws(Failure) in try stream.synchronize(until: .never) })
            let failure = #expect(throws: Failure.self) { try stream.synchronize(until: .never) }
            #expect(failure?.code == 107_000)
        }
    }

    /// The thread of another stream runs the callback, so that what holds up the first one changes hands.
    @Test func whatAStreamWaitsForDecidesWhetherWaitingMakesSense() {
        inContext { stream in
            let (other, follower) = (try Stream.make(priority: 0, flags: 0), try Stream.make(priority: 0, flags: 0))
            let thread = Monitor<UInt64?>(nil)
            let stage = Monitor(0)
            try other.enqueue(
                streamTask { () throws(Failure) in
                    thread.change { $0 = UInt64(pthread_self()) }
                    _ = stage.wait { $0 >= 1 ? true : nil }
                    try ReportThread.process(thread: UInt64(pthread_self()), until: .never)
                })
            let number = try #require(thread.wait { $0 })
            try ReportThread.subscribe(thread: number, to: stream)
            let function: @Sendable () -> Void = {
                stage.change { $0 = 2 }
                _ = stage.wait { $0 >= 3 ? true : nil }
            }
            try ReportThread.launch(function, blocks: true, on: stream)
            let event = Event(flags: .sync, origin: .plain)
            try event.record(on: stream)
            try event.wait(on: follower, timeoutSeconds: 0)
            while follower.queue.withLock({ $0.obstacle == nil }) || stream.queue.withLock({ $0.obstacle == nil }) {
                usleep(1000)
            }
            for one in [stream, follower] {
                guard case .stands(let what) = one.prospect else { return #expect(Bool(false), "it goes on") }
                #expect(what.contains("thread \(number)"))
            }
            stage.change { $0 = 1 }
            _ = stage.wait { $0 >= 2 ? true : nil }
            for one in [stream, follower, other] {
                guard case .goesOn = one.prospect else { return #expect(Bool(false), "the callback runs") }
            }
            stage.change { $0 = 3 }
            for one in [stream, follower, other] { try one.synchronize(until: .never) }
        }
    }

    @Test func streamsOfOtherContextsAreRefused() {
        inContext { stream in
            let other = try Device.find(0).makeContext()
            let failure = #expect(throws: Failure.self) { _ = try Stream.findOwn(stream.handle) }
            #expect(failure?.code == 107_003)
            #expect(try Stream.find(stream.handle) === stream)
            try Context.destroy(#require(other.handle))
            let none = #expect(throws: Failure.self) { _ = try Context.current() }
            #expect(none?.code == 107_002)
        }
    }

    @Test func threadsDoNotInheritContexts() {
        inContext { _ in
            onNewThread { #expect(throws: Failure.self) { _ = try Context.current() } }
        }
    }

    @Test func directionsFollowThePlacesOfBothSides() throws {
        func direction(_ source: CopyDirection.Side, _ destination: CopyDirection.Side, _ kind: CopyDirection.Kind)
            -> Int32
        {
            do throws(Failure) {
                _ = try CopyDirection(source: source, destination: destination, kind: kind)
                return 0
            } catch {
                return error.code
            }
        }
        #expect(direction(.pinned, .device, .deviceToHost) == 0)
        #expect(direction(.device, .device, .hostToHost) == 0)
        #expect(direction(.pageable, .device, .deviceToDevice) == 107_000)
        #expect(direction(.device, .pageable, .hostToDevice) == 107_000)
        #expect(direction(.device, .pageable, .deviceToHost) == 0)
        #expect(direction(.pageable, .device, .automatic) == 0)
        #expect(direction(.pinned, .pageable, .hostToHost) == 207_000)
        #expect(try CopyDirection(source: .pageable, destination: .device, kind: .hostToDevice).isSynchronous)
        #expect(try !CopyDirection(source: .pinned, destination: .device, kind: .hostToDevice).isSynchronous)
    }
}

private final class Counter: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .acquiring) }
    func count() { number.add(1, ordering: .releasing) }
}
