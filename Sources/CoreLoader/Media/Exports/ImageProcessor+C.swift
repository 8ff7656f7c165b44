// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// Work of the image processor: a CPU checks the arguments and refuses.

@c @implementation
public func acldvppCreateChannel(_ channelDesc: OpaquePointer?) -> aclError {
    refuse(.images, .pointer("channelDesc", address(of: channelDesc)))
}

@c @implementation
public func acldvppDestroyChannel(_ channelDesc: OpaquePointer?) -> aclError {
    refuse(.images, .pointer("channelDesc", address(of: channelDesc)))
}

@c @implementation
public func acldvppVpcResizeAsync(
    _ channelDesc: OpaquePointer?, _ inputDesc: OpaquePointer?, _ outputDesc: OpaquePointer?,
    _ resizeConfig: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("inputDesc", address(of: inputDesc)),
        .pointer("outputDesc", address(of: outputDesc)), .pointer("resizeConfig", address(of: resizeConfig)))
}

@c @implementation
public func acldvppVpcCropAsync(
    _ channelDesc: OpaquePointer?, _ inputDesc: OpaquePointer?, _ outputDesc: OpaquePointer?,
    _ cropArea: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("inputDesc", address(of: inputDesc)),
        .pointer("outputDesc", address(of: outputDesc)), .pointer("cropArea", address(of: cropArea)))
}

@c @implementation
public func acldvppVpcCropResizeAsync(
    _ channelDesc: OpaquePointer?, _ inputDesc: OpaquePointer?, _ outputDesc: OpaquePointer?,
    _ cropArea: OpaquePointer?, _ resizeConfig: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("inputDesc", address(of: inputDesc)),
        .pointer("outputDesc", address(of: outputDesc)), .pointer("cropArea", address(of: cropArea)),
        .pointer("resizeConfig", address(of: resizeConfig)))
}

@c @implementation
public func acldvppVpcCropAndPasteAsync(
    _ channelDesc: OpaquePointer?, _ inputDesc: OpaquePointer?, _ outputDesc: OpaquePointer?,
    _ cropArea: OpaquePointer?, _ pasteArea: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("inputDesc", address(of: inputDesc)),
        .pointer("outputDesc", address(of: outputDesc)), .pointer("cropArea", address(of: cropArea)),
        .pointer("pasteArea", address(of: pasteArea)))
}

@c @implementation
public func acldvppVpcCropResizePasteAsync(
    _ channelDesc: OpaquePointer?, _ inputDesc: OpaquePointer?, _ outputDesc: OpaquePointer?,
    _ cropArea: OpaquePointer?, _ pasteArea: OpaquePointer?, _ resizeConfig: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("inputDesc", address(of: inputDesc)),
        .pointer("outputDesc", address(of: outputDesc)), .pointer("cropArea", address(of: cropArea)),
        .pointer("pasteArea", address(of: pasteArea)), .pointer("resizeConfig", address(of: resizeConfig)))
}

@c @implementation
public func acldvppVpcBatchCropAsync(
    _ channelDesc: OpaquePointer?, _ srcBatchPicDescs: OpaquePointer?, _ roiNums: UnsafeMutablePointer<UInt32>?,
    _ size: UInt32, _ dstBatchPicDescs: OpaquePointer?, _ cropAreas: UnsafeMutablePointer<OpaquePointer?>?,
    _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("srcBatchPicDescs", address(of: srcBatchPicDescs)),
        .pointer("roiNums", address(of: roiNums)), .positive("size", size),
        .pointer("dstBatchPicDescs", address(of: dstBatchPicDescs)), .pointer("cropAreas", address(of: cropAreas)))
}

@c @implementation
public func acldvppVpcBatchCropResizeAsync(
    _ channelDesc: OpaquePointer?, _ srcBatchPicDescs: OpaquePointer?, _ roiNums: UnsafeMutablePointer<UInt32>?,
    _ size: UInt32, _ dstBatchPicDescs: OpaquePointer?, _ cropAreas: UnsafeMutablePointer<OpaquePointer?>?,
    _ resizeConfig: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("srcBatchPicDescs", address(of: srcBatchPicDescs)),
        .pointer("roiNums", address(of: roiNums)), .positive("size", size),
        .pointer("dstBatchPicDescs", address(of: dstBatchPicDescs)), .pointer("cropAreas", address(of: cropAreas)),
        .pointer("resizeConfig", address(of: resizeConfig)))
}

@c @implementation
public func acldvppVpcBatchCropAndPasteAsync(
    _ channelDesc: OpaquePointer?, _ srcBatchPicDescs: OpaquePointer?, _ roiNums: UnsafeMutablePointer<UInt32>?,
    _ size: UInt32, _ dstBatchPicDescs: OpaquePointer?, _ cropAreas: UnsafeMutablePointer<OpaquePointer?>?,
    _ pasteAreas: UnsafeMutablePointer<OpaquePointer?>?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("srcBatchPicDescs", address(of: srcBatchPicDescs)),
        .pointer("roiNums", address(of: roiNums)), .positive("size", size),
        .pointer("dstBatchPicDescs", address(of: dstBatchPicDescs)), .pointer("cropAreas", address(of: cropAreas)),
        .pointer("pasteAreas", address(of: pasteAreas)))
}

@c @implementation
public func acldvppVpcBatchCropResizePasteAsync(
    _ channelDesc: OpaquePointer?, _ srcBatchPicDescs: OpaquePointer?, _ roiNums: UnsafeMutablePointer<UInt32>?,
    _ size: UInt32, _ dstBatchPicDescs: OpaquePointer?, _ cropAreas: UnsafeMutablePointer<OpaquePointer?>?,
    _ pasteAreas: UnsafeMutablePointer<OpaquePointer?>?, _ resizeConfig: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("srcBatchPicDescs", address(of: srcBatchPicDescs)),
        .pointer("roiNums", address(of: roiNums)), .positive("size", size),
        .pointer("dstBatchPicDescs", address(of: dstBatchPicDescs)), .pointer("cropAreas", address(of: cropAreas)),
        .pointer("pasteAreas", address(of: pasteAreas)), .pointer("resizeConfig", address(of: resizeConfig)))
}

@c @implementation
public func acldvppVpcBatchCropResizeMakeBorderAsync(
    _ channelDesc: OpaquePointer?, _ srcBatchPicDescs: OpaquePointer?, _ roiNums: UnsafeMutablePointer<UInt32>?,
    _ size: UInt32, _ dstBatchPicDescs: OpaquePointer?, _ cropAreas: UnsafeMutablePointer<OpaquePointer?>?,
    _ borderCfgs: UnsafeMutablePointer<OpaquePointer?>?, _ resizeConfig: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("srcBatchPicDescs", address(of: srcBatchPicDescs)),
        .pointer("roiNums", address(of: roiNums)), .positive("size", size),
        .pointer("dstBatchPicDescs", address(of: dstBatchPicDescs)), .pointer("cropAreas", address(of: cropAreas)),
        .pointer("borderCfgs", address(of: borderCfgs)), .pointer("resizeConfig", address(of: resizeConfig)))
}

@c @implementation
public func acldvppVpcConvertColorAsync(
    _ channelDesc: OpaquePointer?, _ inputDesc: OpaquePointer?, _ outputDesc: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("inputDesc", address(of: inputDesc)),
        .pointer("outputDesc", address(of: outputDesc)))
}

@c @implementation
public func acldvppVpcPyrDownAsync(
    _ channelDesc: OpaquePointer?, _ inputDesc: OpaquePointer?, _ outputDesc: OpaquePointer?,
    _ reserve: UnsafeMutableRawPointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("inputDesc", address(of: inputDesc)),
        .pointer("outputDesc", address(of: outputDesc)), .reserved("reserve", address(of: reserve) == 0))
}

@c @implementation
public func acldvppVpcMakeBorderAsync(
    _ channelDesc: OpaquePointer?, _ inputDesc: OpaquePointer?, _ outputDesc: OpaquePointer?,
    _ borderConfig: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("inputDesc", address(of: inputDesc)),
        .pointer("outputDesc", address(of: outputDesc)), .pointer("borderConfig", address(of: borderConfig)))
}

@c @implementation
public func acldvppJpegDecodeAsync(
    _ channelDesc: OpaquePointer?, _ data: UnsafeRawPointer?, _ size: UInt32, _ outputDesc: OpaquePointer?,
    _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("data", address(of: data)), .positive("size", size),
        .pointer("outputDesc", address(of: outputDesc)))
}

@c @implementation
public func acldvppJpegEncodeAsync(
    _ channelDesc: OpaquePointer?, _ inputDesc: OpaquePointer?, _ data: UnsafeRawPointer?,
    _ size: UnsafeMutablePointer<UInt32>?, _ config: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("inputDesc", address(of: inputDesc)),
        .pointer("data", address(of: data)), .pointer("size", address(of: size)),
        .pointer("config", address(of: config)))
}

@c @implementation
public func acldvppPngDecodeAsync(
    _ channelDesc: OpaquePointer?, _ data: UnsafeRawPointer?, _ size: UInt32, _ outputDesc: OpaquePointer?,
    _ stream: aclrtStream?
) -> aclError {
    refuse(
        .images,
        .pointer("channelDesc", address(of: channelDesc)), .pointer("data", address(of: data)), .positive("size", size),
        .pointer("outputDesc", address(of: outputDesc)))
}
