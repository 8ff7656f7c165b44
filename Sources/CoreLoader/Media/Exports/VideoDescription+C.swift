// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func acldvppCreateStreamDesc() -> OpaquePointer? {
    ImageObjects.videos.create(VideoDescription())
}

@c @implementation
public func acldvppDestroyStreamDesc(_ streamDesc: OpaquePointer?) -> aclError {
    ImageObjects.videos.destroy(streamDesc, "streamDesc")
}

@c @implementation
public func acldvppSetStreamDescData(_ streamDesc: OpaquePointer?, _ dataDev: UnsafeMutableRawPointer?) -> aclError {
    let data = address(of: dataDev)
    return ImageObjects.videos.change(streamDesc, "streamDesc") { (description) throws(Failure) in
        try Failure.checkData(data)
        description.data = data
    }
}

@c @implementation
public func acldvppSetStreamDescSize(_ streamDesc: OpaquePointer?, _ size: UInt32) -> aclError {
    ImageObjects.videos.change(streamDesc, "streamDesc") { $0.size = size }
}

@c @implementation
public func acldvppSetStreamDescFormat(_ streamDesc: OpaquePointer?, _ format: acldvppStreamFormat) -> aclError {
    ImageObjects.videos.change(streamDesc, "streamDesc") { $0.format = format.rawValue }
}

@c @implementation
public func acldvppSetStreamDescTimestamp(_ streamDesc: OpaquePointer?, _ timestamp: UInt64) -> aclError {
    ImageObjects.videos.change(streamDesc, "streamDesc") { $0.timestamp = timestamp }
}

@c @implementation
public func acldvppSetStreamDescRetCode(_ streamDesc: OpaquePointer?, _ retCode: UInt32) -> aclError {
    ImageObjects.videos.change(streamDesc, "streamDesc") { $0.returnCode = retCode }
}

@c @implementation
public func acldvppSetStreamDescEos(_ streamDesc: OpaquePointer?, _ eos: UInt8) -> aclError {
    ImageObjects.videos.change(streamDesc, "streamDesc") { $0.endOfSequence = eos == 0 ? 0 : 1 }
}

@c @implementation
public func acldvppGetStreamDescData(_ streamDesc: OpaquePointer?) -> UnsafeMutableRawPointer? {
    pointer(to: ImageObjects.videos.read(\.data, of: streamDesc, "streamDesc", otherwise: 0))
}

@c @implementation
public func acldvppGetStreamDescFormat(_ streamDesc: OpaquePointer?) -> acldvppStreamFormat {
    acldvppStreamFormat(
        rawValue: ImageObjects.videos.read(\.format, of: streamDesc, "streamDesc", otherwise: 0))
}

@c @implementation
public func acldvppGetStreamDescSize(_ streamDesc: OpaquePointer?) -> UInt32 {
    ImageObjects.videos.read(\.size, of: streamDesc, "streamDesc", otherwise: 0)
}

@c @implementation
public func acldvppGetStreamDescTimestamp(_ streamDesc: OpaquePointer?) -> UInt64 {
    ImageObjects.videos.read(\.timestamp, of: streamDesc, "streamDesc", otherwise: 0)
}

@c @implementation
public func acldvppGetStreamDescRetCode(_ streamDesc: OpaquePointer?) -> UInt32 {
    ImageObjects.videos.read(\.returnCode, of: streamDesc, "streamDesc", otherwise: 0)
}

@c @implementation
public func acldvppGetStreamDescEos(_ streamDesc: OpaquePointer?) -> UInt8 {
    ImageObjects.videos.read(\.endOfSequence, of: streamDesc, "streamDesc", otherwise: 0)
}
