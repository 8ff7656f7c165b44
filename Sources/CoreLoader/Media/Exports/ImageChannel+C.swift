// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func acldvppCreateChannelDesc() -> OpaquePointer? {
    ImageObjects.channels.create(ImageChannel())
}

@c @implementation
public func acldvppDestroyChannelDesc(_ channelDesc: OpaquePointer?) -> aclError {
    ImageObjects.channels.destroy(channelDesc, "channelDesc")
}

@c @implementation
public func acldvppGetChannelDescChannelId(_ channelDesc: OpaquePointer?) -> UInt64 {
    ImageObjects.channels.read(\.channelID, of: channelDesc, "channelDesc", otherwise: 0)
}

@c @implementation
public func acldvppSetChannelDescMode(_ channelDesc: OpaquePointer?, _ mode: UInt32) -> aclError {
    ImageObjects.channels.change(channelDesc, "channelDesc") { (channel) throws(Failure) in
        guard (1...15).contains(mode) else {
            throw Failure(
                ErrorCode.invalidParam,
                .unexpected(argument: "mode", value: "\(mode)", expected: "bits of acldvppChannelMode, 1 to 15"))
        }
        channel.mode = mode
    }
}
