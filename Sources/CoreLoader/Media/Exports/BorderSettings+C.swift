// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func acldvppCreateBorderConfig() -> OpaquePointer? {
    ImageObjects.borders.create(BorderSettings())
}

@c @implementation
public func acldvppDestroyBorderConfig(_ borderConfig: OpaquePointer?) -> aclError {
    ImageObjects.borders.destroy(borderConfig, "borderConfig")
}

@c @implementation
public func acldvppSetBorderConfigValue(_ borderConfig: OpaquePointer?, _ index: UInt32, _ value: Double) -> aclError {
    ImageObjects.borders.change(borderConfig, "borderConfig") { (border) throws(Failure) in
        border.values[try component(index)] = value
    }
}

@c @implementation
public func acldvppGetBorderConfigValue(_ borderConfig: OpaquePointer?, _ index: UInt32) -> Double {
    // 0 for a border or an index that does not exist, as in the original.
    value(otherwise: 0) { () throws(Failure) in
        let border = try ImageObjects.borders.value(borderConfig, "borderConfig")
        return border.values[try component(index)]
    }
}

@c @implementation
public func acldvppSetBorderConfigBorderType(
    _ borderConfig: OpaquePointer?, _ borderType: acldvppBorderType
) -> aclError {
    ImageObjects.borders.change(borderConfig, "borderConfig") { $0.type = borderType.rawValue }
}

@c @implementation
public func acldvppGetBorderConfigBorderType(_ borderConfig: OpaquePointer?) -> acldvppBorderType {
    acldvppBorderType(
        rawValue: ImageObjects.borders.read(\.type, of: borderConfig, "borderConfig", otherwise: 0))
}

@c @implementation
public func acldvppSetBorderConfigTop(_ borderConfig: OpaquePointer?, _ top: UInt32) -> aclError {
    ImageObjects.borders.change(borderConfig, "borderConfig") { $0.top = top }
}

@c @implementation
public func acldvppGetBorderConfigTop(_ borderConfig: OpaquePointer?) -> UInt32 {
    ImageObjects.borders.read(\.top, of: borderConfig, "borderConfig", otherwise: 0)
}

@c @implementation
public func acldvppSetBorderConfigBottom(_ borderConfig: OpaquePointer?, _ bottom: UInt32) -> aclError {
    ImageObjects.borders.change(borderConfig, "borderConfig") { $0.bottom = bottom }
}

@c @implementation
public func acldvppGetBorderConfigBottom(_ borderConfig: OpaquePointer?) -> UInt32 {
    ImageObjects.borders.read(\.bottom, of: borderConfig, "borderConfig", otherwise: 0)
}

@c @implementation
public func acldvppSetBorderConfigLeft(_ borderConfig: OpaquePointer?, _ left: UInt32) -> aclError {
    ImageObjects.borders.change(borderConfig, "borderConfig") { $0.left = left }
}

@c @implementation
public func acldvppGetBorderConfigLeft(_ borderConfig: OpaquePointer?) -> UInt32 {
    ImageObjects.borders.read(\.left, of: borderConfig, "borderConfig", otherwise: 0)
}

@c @implementation
public func acldvppSetBorderConfigRight(_ borderConfig: OpaquePointer?, _ right: UInt32) -> aclError {
    ImageObjects.borders.change(borderConfig, "borderConfig") { $0.right = right }
}

@c @implementation
public func acldvppGetBorderConfigRight(_ borderConfig: OpaquePointer?) -> UInt32 {
    ImageObjects.borders.read(\.right, of: borderConfig, "borderConfig", otherwise: 0)
}

/// The position of a component's value.
private func component(_ index: UInt32) throws(Failure) -> Int {
    guard index < BorderSettings.valueCount else {
        throw Failure(
            ErrorCode.invalidParam,
            .invalid(argument: "index", value: "\(index)", reason: "it must be below \(BorderSettings.valueCount)"))
    }
    return Int(index)
}
