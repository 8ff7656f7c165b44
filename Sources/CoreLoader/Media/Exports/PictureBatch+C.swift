// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

/// Pictures that one call processes together, at most.
private let mostPictures: UInt32 = 256

@c @implementation
public func acldvppCreateBatchPicDesc(_ batchSize: UInt32) -> OpaquePointer? {
    handle { () throws(Failure) in
        guard (1...mostPictures).contains(batchSize) else {
            throw Failure(
                ErrorCode.invalidParam,
                .invalid(argument: "batchSize", value: "\(batchSize)", reason: "it must be 1 to \(mostPictures)"))
        }
        var pictures: [Handle] = []
        for _ in 0..<batchSize {
            guard let picture = ImageObjects.pictures.insert(PictureDescription(isInBatch: true)) else { break }
            pictures.append(picture)
        }
        if pictures.count == Int(batchSize), let batch = ImageObjects.batches.insert(pictures) { return batch }
        for picture in pictures { ImageObjects.pictures.discard(picture) }
        return nil
    }
}

@c @implementation
public func acldvppGetPicDesc(_ batchPicDesc: OpaquePointer?, _ index: UInt32) -> OpaquePointer? {
    handle { () throws(Failure) in
        let pictures = try ImageObjects.batches.value(batchPicDesc, "batchPicDesc")
        guard index < pictures.count else {
            throw Failure(
                ErrorCode.invalidParam,
                .invalid(argument: "index", value: "\(index)", reason: "it must be below \(pictures.count)"))
        }
        return pictures[Int(index)]
    }
}

@c @implementation
public func acldvppDestroyBatchPicDesc(_ batchPicDesc: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        for picture in try ImageObjects.batches.remove(Handle(batchPicDesc), "batchPicDesc") {
            ImageObjects.pictures.discard(picture)
        }
    }
}
