// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func acldvppCreateRoiConfig(_ left: UInt32, _ right: UInt32, _ top: UInt32, _ bottom: UInt32) -> OpaquePointer? {
    handle { () throws(Failure) in ImageObjects.areas.insert(try area(left, right, top, bottom)) }
}

@c @implementation
public func acldvppDestroyRoiConfig(_ roiConfig: OpaquePointer?) -> aclError {
    ImageObjects.areas.destroy(roiConfig, "roiConfig")
}

@c @implementation
public func acldvppSetRoiConfig(
    _ config: OpaquePointer?, _ left: UInt32, _ right: UInt32, _ top: UInt32, _ bottom: UInt32
) -> aclError {
    ImageObjects.areas.change(config, "config") { (changed) throws(Failure) in
        changed = try area(left, right, top, bottom)
    }
}

@c @implementation
public func acldvppSetRoiConfigLeft(_ config: OpaquePointer?, _ left: UInt32) -> aclError {
    ImageObjects.areas.change(config, "config") { (area) throws(Failure) in
        area.left = try offset(left, "left")
    }
}

@c @implementation
public func acldvppSetRoiConfigRight(_ config: OpaquePointer?, _ right: UInt32) -> aclError {
    ImageObjects.areas.change(config, "config") { (area) throws(Failure) in
        area.right = try offset(right, "right")
    }
}

@c @implementation
public func acldvppSetRoiConfigTop(_ config: OpaquePointer?, _ top: UInt32) -> aclError {
    ImageObjects.areas.change(config, "config") { (area) throws(Failure) in
        area.top = try offset(top, "top")
    }
}

@c @implementation
public func acldvppSetRoiConfigBottom(_ config: OpaquePointer?, _ bottom: UInt32) -> aclError {
    ImageObjects.areas.change(config, "config") { (area) throws(Failure) in
        area.bottom = try offset(bottom, "bottom")
    }
}

private func area(_ left: UInt32, _ right: UInt32, _ top: UInt32, _ bottom: UInt32) throws(Failure) -> PictureArea {
    PictureArea(
        left: try offset(left, "left"), right: try offset(right, "right"), top: try offset(top, "top"),
        bottom: try offset(bottom, "bottom"))
}

private func offset(_ value: UInt32, _ argument: String) throws(Failure) -> UInt16 {
    guard let offset = UInt16(exactly: value) else {
        throw Failure(
            ErrorCode.invalidParam, .invalid(argument: argument, value: "\(value)", reason: "it must be 0 to 65535"))
    }
    return offset
}
