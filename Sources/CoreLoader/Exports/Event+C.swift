// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclrtCreateEvent(_ event: UnsafeMutablePointer<aclrtEvent?>?) -> aclError {
    guard let result = PointerOutput(event) else { return failNull("event") }
    return status { () throws(Failure) in
        let created = try Event.make(flags: [.streamProgress, .internalSync, .timeLine], origin: .plain)
        result.write(created)
    }
}

@c @implementation
public func aclrtCreateEventWithFlag(_ event: UnsafeMutablePointer<aclrtEvent?>?, _ flag: UInt32) -> aclError {
    guard let result = PointerOutput(event) else { return failNull("event") }
    return status { () throws(Failure) in
        let isAlone = flag & 0x30 == 0 || flag == 0x10 || flag == 0x20
        guard flag & 0x3f != 0, flag <= 0x3f, isAlone else {
            throw badFlag(flag, "bits 0x1 to 0x8, or 0x10 or 0x20 alone")
        }
        let created = try Event.make(flags: Event.Flags(rawValue: flag), origin: .withFlag)
        result.write(created)
    }
}

@c @implementation
public func aclrtCreateEventExWithFlag(_ event: UnsafeMutablePointer<aclrtEvent?>?, _ flag: UInt32) -> aclError {
    guard let result = PointerOutput(event) else { return failNull("event") }
    return status { () throws(Failure) in
        let isAlone = [0x10, 0x20, 0x40].allSatisfy { flag & $0 == 0 || flag == $0 }
        guard isAlone else { throw badFlag(flag, "0x10, 0x20 and 0x40 only alone") }
        guard flag != 0x40 else {
            throw Failure(
                ErrorCode.rtFeatureNotSupport, .unsupported("Events shared between processes are not supported"))
        }
        guard flag & 0x4f != 0, flag <= 0x4f else { throw badFlag(flag, "bits 0x1 to 0x8") }
        let created = try Event.make(flags: Event.Flags(rawValue: flag), origin: .extended)
        result.write(created)
    }
}

private func badFlag(_ flag: UInt32, _ expected: String) -> Failure {
    Failure(
        ErrorCode.rtParamInvalid,
        .unexpected(argument: "flag", value: hexadecimal(UInt(flag)), expected: expected, layer: .runtime))
}

@c @implementation
public func aclrtDestroyEvent(_ event: aclrtEvent?) -> aclError {
    let handle = Handle(event)
    guard !handle.isNull else { return failNull("event") }
    return status { () throws(Failure) in
        guard Event.table.remove(handle) == nil else { return }
        _ = try Event.find(handle)
    }
}

@c @implementation
public func aclrtRecordEvent(_ event: aclrtEvent?, _ stream: aclrtStream?) -> aclError {
    let handle = Handle(event)
    let streamHandle = Handle(stream)
    guard !handle.isNull else { return failNull("event") }
    return status { () throws(Failure) in
        let found = try Event.find(handle)
        try found.record(on: Stream.findOwn(streamHandle))
    }
}

@c @implementation
public func aclrtRecordEventWithFlag(_ event: aclrtEvent?, _ stream: aclrtStream?, _ flag: UInt32) -> aclError {
    let handle = Handle(event)
    let streamHandle = Handle(stream)
    guard !handle.isNull else { return failNull("event") }
    guard flag <= 1 else {
        return fail(ErrorCode.invalidParam, .unexpected(argument: "flag", value: "\(flag)", expected: "0 or 1"))
    }
    return status { () throws(Failure) in
        let found = try Event.find(handle)
        if flag == ACL_EVENT_RECORD_EXTERNAL { throw externalUse(of: found) }
        try found.record(on: Stream.findOwn(streamHandle))
    }
}

/// External records and waits exist only while a stream is captured, which a CPU does not do.
private func externalUse(of event: Event) -> Failure {
    guard event.origin == .extended, event.flags == .sync else {
        return Failure(
            ErrorCode.rtFeatureNotSupport,
            .unsupported("External use needs an event of aclrtCreateEventExWithFlag with ACL_EVENT_SYNC only"))
    }
    return Failure(ErrorCode.rtStreamNotCaptured, .wrongOrder("The stream is not being captured"))
}

@c @implementation
public func aclrtResetEvent(_ event: aclrtEvent?, _ stream: aclrtStream?) -> aclError {
    let handle = Handle(event)
    let streamHandle = Handle(stream)
    guard !handle.isNull else { return failNull("event") }
    return status { () throws(Failure) in
        let found = try Event.find(handle)
        try found.reset(on: Stream.findOwn(streamHandle))
    }
}

@c @implementation
public func aclrtStreamWaitEvent(_ stream: aclrtStream?, _ event: aclrtEvent?) -> aclError {
    let handle = Handle(event)
    let streamHandle = Handle(stream)
    guard !handle.isNull else { return failNull("event") }
    return status { () throws(Failure) in
        let found = try Event.find(handle)
        try found.wait(on: Stream.findOwn(streamHandle), timeoutSeconds: WaitLimits.wait)
    }
}

@c @implementation
public func aclrtStreamWaitEventWithTimeout(_ stream: aclrtStream?, _ event: aclrtEvent?, _ timeout: Int32) -> aclError
{
    let handle = Handle(event)
    let streamHandle = Handle(stream)
    return status { () throws(Failure) in
        guard timeout >= 0 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "timeout", value: "\(timeout)", expected: "0 or more seconds", layer: .runtime))
        }
        guard !handle.isNull else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "event", layer: .runtime))
        }
        let found = try Event.find(handle)
        try found.wait(on: Stream.findOwn(streamHandle), timeoutSeconds: UInt32(timeout))
    }
}

@c @implementation
public func aclrtStreamWaitEventWithFlag(
    _ stream: aclrtStream?, _ event: aclrtEvent?, _ timeout: UInt32, _ flag: UInt32
) -> aclError {
    let handle = Handle(event)
    let streamHandle = Handle(stream)
    guard !handle.isNull else { return failNull("event") }
    guard flag <= 1 else {
        return fail(ErrorCode.invalidParam, .unexpected(argument: "flag", value: "\(flag)", expected: "0 or 1"))
    }
    guard flag == 0 || timeout == 0 else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(argument: "timeout", value: "\(timeout)", expected: "0 for an external wait"))
    }
    return status { () throws(Failure) in
        let found = try Event.find(handle)
        if flag == ACL_EVENT_WAIT_EXTERNAL { throw externalUse(of: found) }
        try found.wait(on: Stream.findOwn(streamHandle), timeoutSeconds: timeout)
    }
}

@c @implementation
public func aclrtSynchronizeEvent(_ event: aclrtEvent?) -> aclError {
    let handle = Handle(event)
    guard !handle.isNull else { return failNull("event") }
    return status { () throws(Failure) in try synchronize(Event.find(handle), until: .never) }
}

@c @implementation
public func aclrtSynchronizeEventWithTimeout(_ event: aclrtEvent?, _ timeout: Int32) -> aclError {
    let handle = Handle(event)
    guard timeout < -1 || !handle.isNull else { return failNull("event") }
    return status { () throws(Failure) in
        let deadline = try checkedTimeout(timeout)
        try synchronize(Event.find(handle), until: deadline)
    }
}

private func synchronize(_ event: Event, until deadline: Deadline) throws(Failure) {
    guard !event.flags.contains(.external) else {
        throw Failure(ErrorCode.rtFeatureNotSupport, .unsupported("An external event cannot be waited for on the host"))
    }
    guard try event.synchronize(until: deadline) else {
        throw Failure(
            ErrorCode.rtEventSyncTimeout, .timeout("Event \(event.id) was not reached within the time given"))
    }
}

@c @implementation
public func aclrtQueryEvent(_ event: aclrtEvent?, _ status: UnsafeMutablePointer<aclrtEventStatus>?) -> aclError {
    let handle = Handle(event)
    guard !handle.isNull else { return failNull("event") }
    guard let result = Output(status) else { return failNull("status") }
    return CoreLoader.status { () throws(Failure) in
        let found = try Event.find(handle)
        guard found.origin != .extended, found.flags.isDisjoint(with: [.external, .interProcess]) else {
            throw Failure(
                ErrorCode.rtFeatureNotSupport, .unsupported("Use aclrtQueryEventStatus for an event of this kind"))
        }
        let isComplete = found.lastRecord?.isDone ?? true
        result.write(isComplete ? ACL_EVENT_STATUS_COMPLETE : ACL_EVENT_STATUS_NOT_READY)
    }
}

@c @implementation
public func aclrtQueryEventStatus(
    _ event: aclrtEvent?, _ status: UnsafeMutablePointer<aclrtEventRecordedStatus>?
) -> aclError {
    let handle = Handle(event)
    guard !handle.isNull else { return failNull("event") }
    guard let result = Output(status) else { return failNull("status") }
    return CoreLoader.status { () throws(Failure) in
        let found = try Event.find(handle)
        let isComplete = found.lastRecord?.isDone ?? (found.origin == .extended)
        result.write(isComplete ? ACL_EVENT_RECORDED_STATUS_COMPLETE : ACL_EVENT_RECORDED_STATUS_NOT_READY)
    }
}

@c @implementation
public func aclrtQueryEventWaitStatus(
    _ event: aclrtEvent?, _ status: UnsafeMutablePointer<aclrtEventWaitStatus>?
) -> aclError {
    let handle = Handle(event)
    guard !handle.isNull else { return failNull("event") }
    guard let result = Output(status) else { return failNull("status") }
    return CoreLoader.status { () throws(Failure) in
        let found = try Event.find(handle)
        guard found.origin != .extended else {
            throw Failure(
                ErrorCode.rtFeatureNotSupport,
                .unsupported("The waits on an event of aclrtCreateEventExWithFlag are not counted"))
        }
        result.write(found.hasPendingWaits ? ACL_EVENT_WAIT_STATUS_NOT_READY : ACL_EVENT_WAIT_STATUS_COMPLETE)
    }
}

@c @implementation
public func aclrtEventElapsedTime(
    _ ms: UnsafeMutablePointer<Float>?, _ startEvent: aclrtEvent?, _ endEvent: aclrtEvent?
) -> aclError {
    let (start, end) = (Handle(startEvent), Handle(endEvent))
    guard let result = Output(ms) else { return failNull("ms") }
    guard !start.isNull else { return failNull("startEvent") }
    guard !end.isNull else { return failNull("endEvent") }
    return status { () throws(Failure) in
        let (first, last) = (try Event.find(start), try Event.find(end))
        let (from, to) = (try first.time(), try last.time())
        // The original answers a negative time.
        guard to >= from else {
            throw Failure(
                ErrorCode.rtEventTimestampReversal,
                .unexpected(
                    argument: "endEvent", value: "event \(last.id)",
                    expected: "an event that was reached after startEvent (event \(first.id)), not "
                        + "\(Double(from - to) / 1e6) ms before it: exchange them, or order their streams",
                    layer: .runtime))
        }
        result.write(Float((Double(to) - Double(from)) / 1e6))
    }
}

@c @implementation
public func aclrtEventGetTimestamp(_ event: aclrtEvent?, _ timestamp: UnsafeMutablePointer<UInt64>?) -> aclError {
    let handle = Handle(event)
    guard let result = Output(timestamp) else { return failNull("timestamp") }
    guard !handle.isNull else { return failNull("event") }
    return status { () throws(Failure) in
        let found = try Event.find(handle)
        result.write(try found.time() / 1000)
    }
}

@c @implementation
public func aclrtGetEventId(_ event: aclrtEvent?, _ eventId: UnsafeMutablePointer<UInt32>?) -> aclError {
    let handle = Handle(event)
    guard !handle.isNull else { return failNull("event") }
    guard let result = Output(eventId) else { return failNull("eventId") }
    return status { () throws(Failure) in
        let found = try Event.find(handle)
        result.write(found.id)
    }
}

@c @implementation
public func aclrtGetEventAvailNum(_ eventCount: UnsafeMutablePointer<UInt32>?) -> aclError {
    guard let result = Output(eventCount) else { return failNull("eventCount") }
    return status { () throws(Failure) in
        _ = try Context.current()
        result.write(UInt32(max(0, Event.limit - Event.table.count)))
    }
}

@c @implementation
public func aclrtSetOpWaitTimeout(_ timeout: UInt32) -> aclError {
    WaitLimits.wait = timeout
    return ErrorCode.success
}
