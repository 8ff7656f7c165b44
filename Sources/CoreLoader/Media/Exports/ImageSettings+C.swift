// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func acldvppCreateResizeConfig() -> OpaquePointer? {
    ImageObjects.resizes.create(0)
}

@c @implementation
public func acldvppDestroyResizeConfig(_ resizeConfig: OpaquePointer?) -> aclError {
    ImageObjects.resizes.destroy(resizeConfig, "resizeConfig")
}

@c @implementation
public func acldvppSetResizeConfigInterpolation(_ resizeConfig: OpaquePointer?, _ interpolation: UInt32) -> aclError {
    ImageObjects.resizes.change(resizeConfig, "resizeConfig") { (kind) throws(Failure) in
        guard interpolation <= 4 else {
            throw Failure(
                ErrorCode.invalidParam,
                .invalid(argument: "interpolation", value: "\(interpolation)", reason: "it must be 0 to 4"))
        }
        kind = interpolation
    }
}

@c @implementation
public func acldvppGetResizeConfigInterpolation(_ resizeConfig: OpaquePointer?) -> UInt32 {
    ImageObjects.resizes.read(\.self, of: resizeConfig, "resizeConfig", otherwise: 0)
}

@c @implementation
public func acldvppCreateJpegeConfig() -> OpaquePointer? {
    ImageObjects.encoders.create(0)
}

@c @implementation
public func acldvppDestroyJpegeConfig(_ jpegeConfig: OpaquePointer?) -> aclError {
    ImageObjects.encoders.destroy(jpegeConfig, "jpegeConfig")
}

@c @implementation
public func acldvppSetJpegeConfigLevel(_ jpegeConfig: OpaquePointer?, _ level: UInt32) -> aclError {
    ImageObjects.encoders.change(jpegeConfig, "jpegeConfig") { $0 = level }
}

@c @implementation
public func acldvppGetJpegeConfigLevel(_ jpegeConfig: OpaquePointer?) -> UInt32 {
    ImageObjects.encoders.read(\.self, of: jpegeConfig, "jpegeConfig", otherwise: 0)
}
