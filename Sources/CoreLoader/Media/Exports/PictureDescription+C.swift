// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func acldvppCreatePicDesc() -> OpaquePointer? {
    ImageObjects.pictures.create(PictureDescription())
}

@c @implementation
public func acldvppDestroyPicDesc(_ picDesc: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        guard try !ImageObjects.pictures.value(picDesc, "picDesc").isInBatch else {
            throw Failure(
                ErrorCode.invalidParam,
                .invalid(
                    argument: "picDesc", value: hexadecimal(address(of: picDesc)),
                    reason: "it belongs to a batch, which acldvppDestroyBatchPicDesc destroys as a whole"))
        }
        _ = try ImageObjects.pictures.remove(Handle(picDesc), "picDesc")
    }
}

@c @implementation
public func acldvppSetPicDescData(_ picDesc: OpaquePointer?, _ dataDev: UnsafeMutableRawPointer?) -> aclError {
    let data = address(of: dataDev)
    return ImageObjects.pictures.change(picDesc, "picDesc") { (description) throws(Failure) in
        try Failure.checkData(data)
        description.data = data
    }
}

@c @implementation
public func acldvppSetPicDescFormat(_ picDesc: OpaquePointer?, _ format: acldvppPixelFormat) -> aclError {
    ImageObjects.pictures.change(picDesc, "picDesc") { $0.format = format.rawValue }
}

@c @implementation
public func acldvppSetPicDescSize(_ picDesc: OpaquePointer?, _ size: UInt32) -> aclError {
    ImageObjects.pictures.change(picDesc, "picDesc") { $0.size = size }
}

@c @implementation
public func acldvppSetPicDescWidth(_ picDesc: OpaquePointer?, _ width: UInt32) -> aclError {
    ImageObjects.pictures.change(picDesc, "picDesc") { $0.width = width }
}

@c @implementation
public func acldvppSetPicDescHeight(_ picDesc: OpaquePointer?, _ height: UInt32) -> aclError {
    ImageObjects.pictures.change(picDesc, "picDesc") { $0.height = height }
}

@c @implementation
public func acldvppSetPicDescWidthStride(_ picDesc: OpaquePointer?, _ widthStride: UInt32) -> aclError {
    ImageObjects.pictures.change(picDesc, "picDesc") { $0.widthStride = widthStride }
}

@c @implementation
public func acldvppSetPicDescHeightStride(_ picDesc: OpaquePointer?, _ heightStride: UInt32) -> aclError {
    ImageObjects.pictures.change(picDesc, "picDesc") { $0.heightStride = heightStride }
}

@c @implementation
public func acldvppSetPicDescRetCode(_ picDesc: OpaquePointer?, _ retCode: UInt32) -> aclError {
    ImageObjects.pictures.change(picDesc, "picDesc") { $0.returnCode = retCode }
}

@c @implementation
public func acldvppGetPicDescData(_ picDesc: OpaquePointer?) -> UnsafeMutableRawPointer? {
    pointer(to: ImageObjects.pictures.read(\.data, of: picDesc, "picDesc", otherwise: 0))
}

@c @implementation
public func acldvppGetPicDescFormat(_ picDesc: OpaquePointer?) -> acldvppPixelFormat {
    acldvppPixelFormat(
        rawValue: ImageObjects.pictures.read(\.format, of: picDesc, "picDesc", otherwise: 0))
}

@c @implementation
public func acldvppGetPicDescSize(_ picDesc: OpaquePointer?) -> UInt32 {
    ImageObjects.pictures.read(\.size, of: picDesc, "picDesc", otherwise: 0)
}

@c @implementation
public func acldvppGetPicDescWidth(_ picDesc: OpaquePointer?) -> UInt32 {
    ImageObjects.pictures.read(\.width, of: picDesc, "picDesc", otherwise: 0)
}

@c @implementation
public func acldvppGetPicDescHeight(_ picDesc: OpaquePointer?) -> UInt32 {
    ImageObjects.pictures.read(\.height, of: picDesc, "picDesc", otherwise: 0)
}

@c @implementation
public func acldvppGetPicDescWidthStride(_ picDesc: OpaquePointer?) -> UInt32 {
    ImageObjects.pictures.read(\.widthStride, of: picDesc, "picDesc", otherwise: 0)
}

@c @implementation
public func acldvppGetPicDescHeightStride(_ picDesc: OpaquePointer?) -> UInt32 {
    ImageObjects.pictures.read(\.heightStride, of: picDesc, "picDesc", otherwise: 0)
}

@c @implementation
public func acldvppGetPicDescRetCode(_ picDesc: OpaquePointer?) -> UInt32 {
    ImageObjects.pictures.read(\.returnCode, of: picDesc, "picDesc", otherwise: 0)
}
