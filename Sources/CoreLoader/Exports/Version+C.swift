// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import Glibc

@c @implementation
public func aclrtGetVersion(
    _ majorVersion: UnsafeMutablePointer<Int32>?, _ minorVersion: UnsafeMutablePointer<Int32>?,
    _ patchVersion: UnsafeMutablePointer<Int32>?
) -> aclError {
    guard let major = Output(majorVersion) else { return failNull("majorVersion") }
    guard let minor = Output(minorVersion) else { return failNull("minorVersion") }
    guard let patch = Output(patchVersion) else { return failNull("patchVersion") }
    major.write(ACL_MAJOR_VERSION)
    minor.write(ACL_MINOR_VERSION)
    patch.write(ACL_PATCH_VERSION)
    return ErrorCode.success
}

/// The folders of the packages, in the order of `aclCANNPackageName`.
private let packageFolders = [
    "runtime", "runtime", "bisheng-compiler", "hccl", "oam-tools", "ops-legacy", "ops-legacy", "driver",
]

@c @implementation
public func aclsysGetCANNVersion(
    _ name: aclCANNPackageName, _ version: UnsafeMutablePointer<aclCANNPackageVersion>?
) -> aclError {
    guard let result = Output(version) else { return failNull("version") }
    guard packageFolders.indices.contains(Int(name.rawValue)) else {
        return fail(
            ErrorCode.invalidParam, .unexpected(argument: "name", value: "\(name.rawValue)", expected: "0 to 7"))
    }
    guard let found = PackageVersion.installed(packageFolders[Int(name.rawValue)]) else {
        return failPackage(packageFolders[Int(name.rawValue)])
    }
    var answer = aclCANNPackageVersion()
    write(found.text, to: &answer.version)
    write(found.parts[0], to: &answer.majorVersion)
    write(found.parts[1], to: &answer.minorVersion)
    write(found.parts[2], to: &answer.releaseVersion)
    write(found.parts[3], to: &answer.patchVersion)
    result.write(answer)
    return ErrorCode.success
}

private func failPackage(_ package: String, function: StaticString = #function) -> aclError {
    fail(
        ErrorCode.invalidFile, .badPath("share/info/\(package)/version.info", reason: "there is no such package"),
        function: function)
}

@c @implementation
public func aclsysGetVersionStr(
    _ pkgName: UnsafeMutablePointer<CChar>?, _ versionStr: UnsafeMutablePointer<CChar>?
) -> aclError {
    guard let buffer = unsafe versionStr else { return failNull("versionStr") }
    guard let name = unsafe text(pkgName) else { return failNull("pkgName") }
    guard let found = PackageVersion.installed(name) else { return failPackage(name) }
    // The buffer has ACL_PKG_VERSION_MAX_SIZE bytes by contract.
    for (index, byte) in (Array(found.text.utf8.prefix(Int(ACL_PKG_VERSION_MAX_SIZE) - 1)) + [0]).enumerated() {
        unsafe buffer[index] = CChar(bitPattern: byte)
    }
    return ErrorCode.success
}

@c @implementation
public func aclsysGetVersionNum(
    _ pkgName: UnsafeMutablePointer<CChar>?, _ versionNum: UnsafeMutablePointer<Int32>?
) -> aclError {
    guard let result = Output(versionNum) else { return failNull("versionNum") }
    guard let name = unsafe text(pkgName) else { return failNull("pkgName") }
    guard let found = PackageVersion.installed(name) else { return failPackage(name) }
    guard let number = found.number else {
        return fail(
            ErrorCode.internalError, .inner("EH9999", text: "The version \(found.text) has no number."))
    }
    result.write(number)
    return ErrorCode.success
}

/// Lives as long as the process.
private nonisolated(unsafe) let socNameText: UnsafeMutablePointer<CChar>? = unsafe strdup(HostProfile.current.socName)

@c @implementation
public func aclrtGetSocName() -> UnsafePointer<CChar>? { unsafe UnsafePointer(socNameText) }

@c @implementation
public func aclrtGetRunMode(_ runMode: UnsafeMutablePointer<aclrtRunMode>?) -> aclError {
    guard let result = Output(runMode) else { return failNull("runMode") }
    result.write(HostProfile.current.runMode == .host ? ACL_HOST : ACL_DEVICE)
    return ErrorCode.success
}

/// A CPU computes with infinities, NaN and bfloat16; it compiles no operators.
private let supportedAttributes = [ACL_CANN_ATTR_INF_NAN, ACL_CANN_ATTR_BF16]

/// Lives as long as the process.
private nonisolated(unsafe) let attributeList: UnsafeMutableBufferPointer<aclCannAttr> = {
    let list = UnsafeMutableBufferPointer<aclCannAttr>.allocate(capacity: supportedAttributes.count)
    unsafe _ = list.initialize(from: supportedAttributes)
    return unsafe list
}()

@c @implementation
public func aclGetCannAttributeList(
    _ cannAttrList: UnsafeMutablePointer<UnsafePointer<aclCannAttr>?>?, _ num: UnsafeMutablePointer<Int>?
) -> aclError {
    guard let list = unsafe cannAttrList else { return failNull("cannAttrList") }
    guard let count = Output(num) else { return failNull("num") }
    unsafe list.pointee = UnsafePointer(attributeList.baseAddress)
    count.write(supportedAttributes.count)
    return ErrorCode.success
}

@c @implementation
public func aclGetCannAttribute(_ cannAttr: aclCannAttr, _ value: UnsafeMutablePointer<Int32>?) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    guard (ACL_CANN_ATTR_INF_NAN.rawValue...ACL_CANN_ATTR_JIT_COMPILE.rawValue).contains(cannAttr.rawValue) else {
        return fail(
            ErrorCode.invalidParam,
            .unexpected(argument: "cannAttr", value: "\(cannAttr.rawValue)", expected: "0 to 2"))
    }
    result.write(supportedAttributes.contains(cannAttr) ? 1 : 0)
    return ErrorCode.success
}

@c @implementation
public func aclGetDeviceCapability(
    _ deviceId: UInt32, _ deviceInfo: aclDeviceInfo, _ value: UnsafeMutablePointer<Int64>?
) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    return status { () throws(Failure) in
        _ = try Device.find(Int32(clamping: deviceId), code: ErrorCode.invalidParam)
        switch deviceInfo {
        case ACL_DEVICE_INFO_AI_CORE_NUM: result.write(HostProfile.cubeCores)
        case ACL_DEVICE_INFO_VECTOR_CORE_NUM: result.write(HostProfile.vectorCores)
        case ACL_DEVICE_INFO_L2_SIZE: result.write(HostProfile.cacheBytes)
        default:
            throw Failure(
                ErrorCode.invalidParam,
                .unexpected(argument: "deviceInfo", value: "\(deviceInfo.rawValue)", expected: "0 to 2"))
        }
    }
}

@c @implementation
public func aclrtGetDeviceCapability(
    _ deviceId: Int32, _ devFeatureType: aclrtDevFeatureType, _ value: UnsafeMutablePointer<Int32>?
) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    return status { () throws(Failure) in
        _ = try Device.find(deviceId)
        guard
            devFeatureType == ACL_FEATURE_TSCPU_TASK_UPDATE_SUPPORT_AIC_AIV
                || devFeatureType == ACL_FEATURE_SYSTEM_MEMQ_EVENT_CROSS_DEV
        else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(
                    argument: "devFeatureType", value: "\(devFeatureType.rawValue)", expected: "1 or 21",
                    layer: .runtime))
        }
        result.write(ACL_DEV_FEATURE_NOT_SUPPORT)
    }
}

@c @implementation
public func aclrtGetDeviceInfo(
    _ deviceId: UInt32, _ attr: aclrtDevAttr, _ value: UnsafeMutablePointer<Int64>?
) -> aclError {
    guard let result = Output(value) else { return failNull("value") }
    return status { () throws(Failure) in
        let device = try Device.find(Int32(clamping: deviceId), code: ErrorCode.rtParamInvalid)
        result.write(try attribute(attr, of: device))
    }
}

private func attribute(_ attribute: aclrtDevAttr, of device: Device) throws(Failure) -> Int64 {
    switch attribute.rawValue {
    case 1: HostProfile.aicpuCores
    case 101, 102: HostProfile.cubeCores
    case 201: HostProfile.vectorCores
    case 202...212:
        throw Failure(ErrorCode.rtFeatureNotSupport, .unsupported("The device runs no threads of the SIMT kind"))
    case 301: Int64(device.capacity)
    case 302: HostProfile.cacheBytes
    case 402: Int64(device.realNumber)
    case 409: Int64(ACL_DEVICE_FORM_FACTOR_PCIE_CARD)
    case 401, 403...408, 501, 601: 0
    default:
        throw Failure(
            ErrorCode.rtParamInvalid,
            .unexpected(
                argument: "attr", value: "\(attribute.rawValue)", expected: "one of aclrtDevAttr", layer: .runtime))
    }
}

@c @implementation
public func aclrtCheckArchCompatibility(
    _ socVersion: UnsafePointer<CChar>?, _ canCompatible: UnsafeMutablePointer<Int32>?
) -> aclError {
    let (name, result) = (text(socVersion), Output(canCompatible))
    return status { () throws(Failure) in
        guard let name else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "socVersion", layer: .runtime))
        }
        guard let result else {
            throw Failure(ErrorCode.rtParamInvalid, .nullPointer(argument: "canCompatible", layer: .runtime))
        }
        guard !name.isEmpty else {
            throw Failure(
                ErrorCode.rtParamInvalid,
                .unexpected(argument: "socVersion", value: "\"\"", expected: "the name of a chip", layer: .runtime))
        }
        result.write(chipFamily(name) == chipFamily(HostProfile.current.socName) ? 1 : 0)
    }
}
