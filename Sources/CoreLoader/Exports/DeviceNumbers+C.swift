// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import Glibc

// User numbers count the visible devices, logical ones all devices of this host, physical ones are the logical ones.

@c @implementation
public func aclrtGetLogicDevIdByUserDevId(
    _ userDevid: Int32, _ logicDevId: UnsafeMutablePointer<Int32>?
) -> aclError {
    convert(userDevid, Output(logicDevId), "logicDevId", userToLogical)
}

@c @implementation
public func aclrtGetUserDevIdByLogicDevId(
    _ logicDevId: Int32, _ userDevid: UnsafeMutablePointer<Int32>?
) -> aclError {
    convert(logicDevId, Output(userDevid), "userDevid", logicalToUser)
}

@c @implementation
public func aclrtGetLogicDevIdByPhyDevId(
    _ phyDevId: Int32, _ logicDevId: UnsafeMutablePointer<Int32>?
) -> aclError {
    convert(phyDevId, Output(logicDevId), "logicDevId", same)
}

@c @implementation
public func aclrtGetPhyDevIdByLogicDevId(
    _ logicDevId: Int32, _ phyDevId: UnsafeMutablePointer<Int32>?
) -> aclError {
    convert(logicDevId, Output(phyDevId), "phyDevId", same)
}

@c @implementation
public func aclrtGetUserDevIdByPhyDevId(_ phyDevId: Int32, _ userDevid: UnsafeMutablePointer<Int32>?) -> aclError {
    convert(phyDevId, Output(userDevid), "userDevid", logicalToUser)
}

@c @implementation
public func aclrtGetPhyDevIdByUserDevId(_ userDevId: Int32, _ phyDevId: UnsafeMutablePointer<Int32>?) -> aclError {
    convert(userDevId, Output(phyDevId), "phyDevId", userToLogical)
}

private func userToLogical(_ id: Int32) -> Int32? {
    let visible = HostProfile.current.visibleDevices ?? []
    return visible.indices.contains(Int(id)) ? visible[Int(id)] : nil
}

private func logicalToUser(_ id: Int32) -> Int32? {
    (HostProfile.current.visibleDevices ?? []).firstIndex(of: id).map { Int32($0) }
}

private func same(_ id: Int32) -> Int32? { id < HostProfile.current.realDeviceCount ? id : nil }

private func convert(
    _ id: Int32, _ result: Output<Int32>?, _ argument: String, _ conversion: (Int32) -> Int32?,
    function: StaticString = #function
) -> aclError {
    guard let result else { return failNull(argument, function: function) }
    guard id >= 0 else {
        return fail(
            ErrorCode.rtParamInvalid,
            .unexpected(argument: "device number", value: "\(id)", expected: "0 or more", layer: .runtime),
            function: function)
    }
    guard let converted = conversion(id) else {
        return fail(
            ErrorCode.rtInvalidDeviceid,
            .unexpected(argument: "device number", value: "\(id)", expected: "the number of a device", layer: .runtime),
            function: function)
    }
    result.write(converted)
    return ErrorCode.success
}

@c @implementation
public func aclrtDeviceGetUuid(_ deviceId: Int32, _ uuid: UnsafeMutablePointer<aclrtUuid>?) -> aclError {
    guard let result = Output(uuid) else { return failNull("uuid") }
    return status { () throws(Failure) in
        let device = try Device.find(deviceId)
        var answer = aclrtUuid()
        // Stable for a device of this host: a fixed prefix and the device's number.
        write("PyAclMdl-NPU-" + String(UInt8(truncatingIfNeeded: device.realNumber), radix: 16), to: &answer)
        result.write(answer)
    }
}

@c @implementation
public func aclrtDeviceGetPCIBusId(
    _ deviceId: Int32, _ pciBusId: UnsafeMutablePointer<CChar>?, _ len: Int32
) -> aclError {
    guard let buffer = unsafe pciBusId else { return failNull("pciBusId") }
    return status { () throws(Failure) in
        let device = try Device.find(deviceId)
        guard len > 12 else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "len", value: "\(len)", expected: "more than 12", layer: .runtime))
        }
        // At most the 13 bytes that were asked for above.
        for (index, byte) in (Array(busAddress(of: device).utf8) + [0]).enumerated() {
            unsafe buffer[index] = CChar(bitPattern: byte)
        }
    }
}

/// `domain:bus:device.function` of an emulated device.
private func busAddress(of device: Device) -> String {
    let bus = String((device.realNumber + 1) & 0xff, radix: 16)
    return "0000:" + (bus.count < 2 ? "0" : "") + bus + ":00.0"
}

@c @implementation
public func aclrtDeviceGetByPCIBusId(
    _ pciBusId: UnsafePointer<CChar>?, _ deviceId: UnsafeMutablePointer<Int32>?
) -> aclError {
    guard let name = text(pciBusId) else { return failNull("pciBusId") }
    guard let result = Output(deviceId) else { return failNull("deviceId") }
    guard let device = Device.all.first(where: { busAddress(of: $0) == name.lowercased() }) else {
        return fail(
            ErrorCode.rtInvalidDeviceid,
            .unexpected(argument: "pciBusId", value: name, expected: "the address of a visible device", layer: .runtime)
        )
    }
    result.write(device.id)
    return ErrorCode.success
}

@c @implementation
public func aclrtDeviceGetBareTgid(_ pid: UnsafeMutablePointer<Int32>?) -> aclError {
    guard let result = Output(pid) else { return failNull("pid") }
    result.write(getpid())
    return ErrorCode.success
}

@c @implementation
public func aclrtGetDevicesTopo(
    _ deviceId: UInt32, _ otherDeviceId: UInt32, _ value: UnsafeMutablePointer<UInt64>?
) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    return status { () throws(Failure) in
        _ = try Device.find(Int32(clamping: deviceId))
        _ = try Device.find(Int32(clamping: otherDeviceId))
        result.write(UInt64(ACL_RT_DEVS_TOPOLOGY_SYS))
    }
}

// MARK: - Access to other devices

@c @implementation
public func aclrtDeviceCanAccessPeer(
    _ canAccessPeer: UnsafeMutablePointer<Int32>?, _ deviceId: Int32, _ peerDeviceId: Int32
) -> aclError {
    let result = Output(canAccessPeer)
    return status { () throws(Failure) in
        guard deviceId != peerDeviceId else { throw samePeer(peerDeviceId) }
        _ = try Device.find(deviceId)
        _ = try Device.find(peerDeviceId)
        guard let result else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "canAccessPeer", layer: .runtime))
        }
        result.write(1)
    }
}

private func samePeer(_ peer: Int32) -> Failure {
    Failure(
        ErrorCode.invalidParam,
        .unexpected(argument: "peerDeviceId", value: "\(peer)", expected: "another device than the own one"))
}

/// Pairs of devices, the one that may access first.
private let peers = Protected<Set<[Int32]>>([])

@c @implementation
public func aclrtDeviceEnablePeerAccess(_ peerDeviceId: Int32, _ flags: UInt32) -> aclError {
    status { () throws(Failure) in
        guard flags == 0 else {
            throw Failure(
                ErrorCode.featureUnsupported, .unexpected(argument: "flags", value: "\(flags)", expected: "0"))
        }
        let own = try Context.current().device.id
        guard peerDeviceId != own else { throw samePeer(peerDeviceId) }
        _ = try Device.find(peerDeviceId)
        peers.withLock { _ = $0.insert([own, peerDeviceId]) }
    }
}

@c @implementation
public func aclrtDeviceDisablePeerAccess(_ peerDeviceId: Int32) -> aclError {
    status { () throws(Failure) in
        let own = try Context.current().device.id
        guard peerDeviceId != own else { throw samePeer(peerDeviceId) }
        _ = try Device.find(peerDeviceId)
        peers.withLock { _ = $0.remove([own, peerDeviceId]) }
    }
}

@c @implementation
public func aclrtDevicePeerAccessStatus(
    _ deviceId: Int32, _ peerDeviceId: Int32, _ status: UnsafeMutablePointer<Int32>?
) -> aclError {
    guard let result = Output(status) else { return failNull("status") }
    return CoreLoader.status { () throws(Failure) in
        _ = try Device.find(deviceId)
        _ = try Device.find(peerDeviceId)
        result.write(peers.withLock { $0.contains([deviceId, peerDeviceId]) } ? 1 : 0)
    }
}

@c @implementation
public func aclrtDeviceGetHostAtomicCapabilities(
    _ capabilities: UnsafeMutablePointer<UInt32>?, _ operations: UnsafePointer<aclrtAtomicOperation>?,
    _ count: UInt32, _ deviceId: Int32
) -> aclError {
    let hasOperations = unsafe address(of: operations) != 0
    return status { () throws(Failure) in
        _ = try Device.find(deviceId)
        try unsafe reportNoAtomics(capabilities, hasOperations, count)
    }
}

@c @implementation
public func aclrtDeviceGetP2PAtomicCapabilities(
    _ capabilities: UnsafeMutablePointer<UInt32>?, _ operations: UnsafePointer<aclrtAtomicOperation>?,
    _ count: UInt32, _ srcDeviceId: Int32, _ dstDeviceId: Int32
) -> aclError {
    let hasOperations = unsafe address(of: operations) != 0
    return status { () throws(Failure) in
        _ = try Device.find(srcDeviceId)
        _ = try Device.find(dstDeviceId)
        try unsafe reportNoAtomics(capabilities, hasOperations, count)
    }
}

/// No atomic operation reaches across a link that does not exist.
private func reportNoAtomics(
    _ capabilities: UnsafeMutablePointer<UInt32>?, _ hasOperations: Bool, _ count: UInt32
) throws(Failure) {
    guard let capabilities = unsafe capabilities, hasOperations, count > 0 else {
        throw Failure(
            ErrorCode.rtParamInvalid, .nullPointer(argument: "capabilities or operations", layer: .runtime))
    }
    // The caller vouches for `count` entries.
    unsafe capabilities.update(repeating: 0, count: Int(count))
}
