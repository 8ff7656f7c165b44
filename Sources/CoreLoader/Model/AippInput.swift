// SPDX-License-Identifier: Apache-2.0

import Executable
import OfflineModel
import SaturatingArithmetic

/// A live `aclmdlAIPP`.
final class AippObject: Sendable {
    static let table = HandleTable<AippObject>(.aipp)

    private let state: Protected<AippParameters>

    init(_ parameters: AippParameters) { state = Protected(parameters) }

    var parameters: AippParameters { state.withLock { $0 } }

    /// Changes a copy, so that a refused change leaves everything as it was.
    func change(_ body: (inout AippParameters) throws(Failure) -> Void) throws(Failure) {
        try state.withLock { parameters throws(Failure) in
            var copy = parameters
            try body(&copy)
            parameters = copy
        }
    }

    @safe static func find(_ pointer: OpaquePointer?) throws(Failure) -> AippObject {
        let handle = Handle(pointer)
        guard let object = table.find(handle) else { throw .handle(handle, "aippParmsSet", in: table) }
        return object
    }
}

extension ModelFacts {
    /// The input that takes the parameters for the image of input `index`.
    func aippParameterInput(ofImage index: Int) -> Int? {
        guard aipp.indices.contains(index), case .dynamic(let parameters) = aipp[index].mode else { return nil }
        return parameters
    }

    /// The image input whose parameters come through input `index`.
    func aippImageInput(ofParameters index: Int) -> Int? {
        aipp.firstIndex { $0.mode == .dynamic(parameters: index) }
    }
}

/// Passing the parameters of dynamic AIPP to a model, with the original's checks in its order.
enum AippInput {
    static func set(
        _ parameters: AippParameters, model: LoadedModel, _ dataset: Dataset, input index: Int
    ) throws(Failure) {
        let facts = model.ready.facts
        let inputs = facts.description.inputs
        guard inputs.indices.contains(index) else { throw .index(index, count: inputs.count) }
        guard facts.aipp[index].mode == .parameters, let image = facts.aippImageInput(ofParameters: index) else {
            throw .aipp("index \(index)", reason: "input \(index) does not take the parameters of dynamic AIPP")
        }
        try check(parameters, facts, image: image)
        guard let buffer = dataset.buffer(at: index), !buffer.isDestroyed, buffer.address != 0 else {
            throw .aipp("dataset", reason: "it has no buffer with an address at index \(index)")
        }
        guard buffer.size >= UInt(clamping: parameters.image.count) else {
            throw .engine(
                ErrorCode.geDynamicInputLengthInvalid,
                "The buffer of input \(index) has \(buffer.size) bytes; \(parameters.image.count) are needed for the "
                    + "parameters of \(parameters.imageCount) images.")
        }
        try unsafe buffer.write(parameters.image.count, "data of input \(index)") { target in
            // Safe: the buffer was found to have room.
            unsafe target.copyBytes(from: parameters.image)
        }
    }

    /// Refuses to execute with parameters that do not fit: programs may write them without the setters.
    /// - address: of the `byteCount` bytes of input `index` in the execution.
    static func check(
        at address: UnsafeRawPointer, byteCount: Int, input index: Int, of model: LoadedModel
    ) throws(Failure) {
        let facts = model.ready.facts
        guard let image = facts.aippImageInput(ofParameters: index) else { return }
        // Safe: the buffer was found to have the size of the input.
        let bytes = unsafe [UInt8](
            UnsafeRawBufferPointer(start: address, count: byteCount))
        guard let parameters = AippParameters(image: bytes) else {
            throw .engine(
                ErrorCode.geAippBatchEmpty,
                "Input \(index) of model \(model.id) holds no parameters of dynamic AIPP: set them with "
                    + "aclmdlSetInputAIPP before each execution.")
        }
        try check(parameters, facts, image: image)
        guard let images = facts.aipp[image].shape.first, parameters.imageCount >= images else {
            throw .aipp(
                "batch size \(parameters.imageCount)",
                reason: "the model takes \(facts.aipp[image].shape.first ?? 0) images")
        }
    }

    private static func check(_ parameters: AippParameters, _ facts: ModelFacts, image: Int) throws(Failure) {
        try checkImage(parameters, limit: facts.description.inputs[image].size)
        try checkOutput(parameters, dims: facts.aipp[image].shape)
    }

    /// Format, size and crops of the source images.
    private static func checkImage(_ parameters: AippParameters, limit: Int) throws(Failure) {
        let (width, height) = (parameters.sourceWidth, parameters.sourceHeight)
        let bytes: Int
        switch parameters.inputFormat {
        case 1: bytes = width * height * 3 / 2
        case 2: bytes = width * height * 4
        case 3: bytes = width * height * 3
        case 4: bytes = width * height
        default:
            throw .aipp(
                "inputFormat \(parameters.inputFormat)",
                reason: "dynamic AIPP takes YUV420SP (1), XRGB8888 (2), RGB888 (3) and YUV400 (4)")
        }
        guard limit <= 0 || bytes * parameters.imageCount <= limit else {
            throw .aipp(
                "source image \(width) x \(height)",
                reason: "\(parameters.imageCount) such images take \(bytes * parameters.imageCount) bytes, the model's "
                    + "input has \(limit)")
        }
        if parameters.inputFormat == 1, width % 2 != 0 || height % 2 != 0 {
            throw .aipp("source image \(width) x \(height)", reason: "width and height of YUV420SP images must be even")
        }
    }

    /// What comes out of crop and padding must be what the model takes, and the same for all images.
    private static func checkOutput(_ parameters: AippParameters, dims: [Int]) throws(Failure) {
        var first: [Int]?
        for image in 0..<parameters.imageCount {
            let geometry = parameters.geometry(of: image)
            guard geometry.resize == nil else { throw .aipp("scfSwitch", reason: "AIPP cannot resize on this device") }
            var (width, height) = (parameters.sourceWidth, parameters.sourceHeight)
            if let crop = geometry.crop {
                guard crop[0] + crop[2] <= width, crop[1] + crop[3] <= height else {
                    throw .aipp("crop \(crop) of image \(image)", reason: "the source image is \(width) x \(height)")
                }
                (width, height) = (crop[2], crop[3])
            }
            if let padding = geometry.padding {
                width += padding[2] + padding[3]
                height += padding[0] + padding[1]
                guard width <= 1080 else {
                    throw .aipp("padding of image \(image)", reason: "the padded width \(width) is greater than 1080")
                }
            }
            if let first, first != [height, width] {
                throw .aipp(
                    "image \(image)", reason: "it becomes \(height) x \(width), image 0 \(first[0]) x \(first[1])")
            }
            first = [height, width]
        }
        guard let first, dims.count == 4, dims[1] > 0, dims[2] > 0 else { return }
        guard [dims[1], dims[2]] == first || [dims[2], dims[3]] == first else {
            throw .aipp("source image", reason: "it becomes \(first[0]) x \(first[1]), the model takes \(dims)")
        }
    }
}
