// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import OfflineModel
import SaturatingArithmetic

@c @implementation
public func aclmdlSetDynamicBatchSize(
    _ modelId: UInt32, _ dataset: OpaquePointer?, _ index: Int, _ batchSize: UInt64
) -> aclError {
    status { () throws(Failure) in
        let dataset = try Dataset.find(dataset, "dataset")
        guard batchSize != 0 else { throw .argument("batchSize", value: "0", reason: "it must be greater than 0") }
        try choose(.batch(batchSize), modelId, dataset, index)
    }
}

@c @implementation
public func aclmdlSetDynamicHWSize(
    _ modelId: UInt32, _ dataset: OpaquePointer?, _ index: Int, _ height: UInt64, _ width: UInt64
) -> aclError {
    status { () throws(Failure) in
        let dataset = try Dataset.find(dataset, "dataset")
        guard height != 0, width != 0 else {
            throw .argument("height, width", value: "\(height), \(width)", reason: "both must be greater than 0")
        }
        try choose(.imageSize(height: height, width: width), modelId, dataset, index)
    }
}

@c @implementation
public func aclmdlSetInputDynamicDims(
    _ modelId: UInt32, _ dataset: OpaquePointer?, _ index: Int, _ dims: UnsafePointer<aclmdlIODims>?
) -> aclError {
    status { () throws(Failure) in
        let dataset = try Dataset.find(dataset, "dataset")
        guard let dims = unsafe dims else { throw .null("dims") }
        // Safe: the caller vouches for the structure.
        let values = unsafe dims.pointee
        guard (1...Int(ACL_MAX_DIM_CNT)).contains(values.dimCount) else {
            throw .argument(
                "dims.dimCount", value: "\(UInt(bitPattern: values.dimCount))",
                reason: "it must be from 1 to \(ACL_MAX_DIM_CNT)")
        }
        try choose(.dims(values.values), modelId, dataset, index)
    }
}

@c @implementation
public func aclmdlGetDynamicBatch(_ modelDesc: OpaquePointer?, _ batch: UnsafeMutablePointer<aclmdlBatch>?) -> aclError
{
    status { () throws(Failure) in
        let facts = try DescriptionObject.find(modelDesc).content?.facts
        let result = try output(batch, "batch")
        let sizes = facts?.description.dynamicBatch ?? []
        try checkGearCount(sizes.count)
        var value = aclmdlBatch()
        value.batchCount = sizes.count
        copy(sizes.map { UInt64(clamping: $0) }, into: &value.batch)
        result.write(value)
    }
}

@c @implementation
public func aclmdlGetDynamicHW(
    _ modelDesc: OpaquePointer?, _ index: Int, _ hw: UnsafeMutablePointer<aclmdlHW>?
) -> aclError {
    status { () throws(Failure) in
        let facts = try DescriptionObject.find(modelDesc).content?.facts
        let result = try output(hw, "hw")
        let sizes = facts?.description.dynamicImageSize ?? []
        try checkGearCount(sizes.count)
        var value = aclmdlHW()
        value.hwCount = sizes.count
        copy(sizes.joined().map { UInt64(clamping: $0) }, into: &value.hw)
        result.write(value)
    }
}

@c @implementation
public func aclmdlGetInputDynamicGearCount(
    _ modelDesc: OpaquePointer?, _ index: Int, _ gearCount: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in
        let facts = try DescriptionObject.find(modelDesc).content?.facts
        let result = try output(gearCount, "gearCount")
        try checkWholeModelIndex(index)
        result.write(facts?.description.dynamicDims.count ?? 0)
    }
}

@c @implementation
public func aclmdlGetInputDynamicDims(
    _ modelDesc: OpaquePointer?, _ index: Int, _ dims: UnsafeMutablePointer<aclmdlIODims>?, _ gearCount: Int
) -> aclError {
    status { () throws(Failure) in
        let facts = try DescriptionObject.find(modelDesc).content?.facts
        guard let dims = unsafe dims else { throw .null("dims") }
        try checkWholeModelIndex(index)
        let gears = facts?.gearDims ?? []
        guard size(gearCount) >= UInt(clamping: gears.count) else {
            throw .argument("gearCount", value: "\(gearCount)", reason: "the model has \(gears.count) gears")
        }
        let values = try gears.map { gear throws(Failure) in
            guard gear.count <= Int(ACL_MAX_DIM_CNT) else {
                throw .engine(
                    ErrorCode.failure, "A gear has \(gear.count) dimensions; the structure holds \(ACL_MAX_DIM_CNT).")
            }
            return try aclmdlIODims(name: "", dims: gear)
        }
        for (number, value) in values.enumerated() {
            // Safe: the caller vouches for `gearCount` structures. The name is the caller's, as in the original.
            unsafe dims[number].dimCount = value.dimCount
            unsafe dims[number].dims = value.dims
        }
    }
}

/// Checks a gear in the original's order, stores it, and writes its values into the selector input's buffer.
private func choose(_ gear: Gear, _ modelId: UInt32, _ dataset: Dataset, _ index: Int) throws(Failure) {
    guard let buffer = dataset.buffer(at: index), !buffer.isDestroyed else { throw .index(index, count: dataset.count) }
    guard buffer.address != 0 else { throw .null("data of the buffer at index \(UInt(bitPattern: index))") }
    switch gear {
    case .batch: try checkSelector(buffer, values: 1)
    case .imageSize: try checkSelector(buffer, values: 2)
    case .dims: try ModelEngine.checkInitialized()
    }
    let model = try ModelEngine.find(modelId)
    let facts = model.ready.facts
    if case .dims(let values) = gear {
        let template = facts.designatedDims
        guard values.count == template.count,
            zip(values, template).allSatisfy({ $0 == $1 || ($1 < 0 && $0 > 0) })
        else {
            throw .engine(
                ErrorCode.geDynamicInputLengthInvalid,
                "The dims \(values) do not fit the inputs of model \(modelId), which are \(template) one after the other."
            )
        }
    }
    guard facts.index(of: gear) != nil else {
        throw .engine(
            ErrorCode.geDynamicBatchSizeInvalid,
            "\(gear) is not one of the gears of model \(modelId): \(facts.gearList).")
    }
    let values = gear.selector(in: facts)
    try checkSelector(buffer, values: values.count)
    try checkSelectorInput(facts, index)
    dataset.gear = gear
    model.gear.withLock { $0 = gear }
    try write(values, into: buffer)
}

private func checkSelector(_ buffer: DataBuffer, values: Int) throws(Failure) {
    guard buffer.size >= UInt(clamping: 4 * values) else {
        throw .engine(
            ErrorCode.geDynamicInputLengthInvalid,
            "The buffer of the gear input has \(buffer.size) bytes; \(4 * values) are needed.")
    }
}

/// The original overwrites whatever input is named.
private func checkSelectorInput(_ facts: ModelFacts, _ index: Int) throws(Failure) {
    guard let selector = facts.index(.input, named: ModelFacts.gearInputName), selector != index else { return }
    throw .argument(
        "index", value: "\(index)", reason: "the gear is chosen with input \(selector) (\(ModelFacts.gearInputName))")
}

/// Numbers of 32 bits, as the model's selector input holds them.
private func write(_ values: [UInt64], into buffer: DataBuffer) throws(Failure) {
    try unsafe buffer.write(4 * values.count, "data of the gear input") { target in
        for (position, value) in values.enumerated() {
            // Safe: the buffer was found to have room for the values.
            unsafe target.storeBytes(of: UInt32(truncatingIfNeeded: value), toByteOffset: 4 * position, as: UInt32.self)
        }
    }
}

private func checkGearCount(_ count: Int) throws(Failure) {
    guard count <= Int(ACL_MAX_BATCH_NUM) else {
        throw .argument(
            "modelDesc", value: "\(count) gears", reason: "the structure holds \(ACL_MAX_BATCH_NUM)",
            code: ErrorCode.storageOverLimit)
    }
}

/// Gears concern all inputs together, which the index −1 stands for.
private func checkWholeModelIndex(_ index: Int) throws(Failure) {
    guard index == -1 else { throw .argument("index", value: "\(UInt(bitPattern: index))", reason: "it must be -1") }
}

/// Copies at most as many numbers as the C array holds.
private func copy<Array>(_ values: [UInt64], into target: inout Array) {
    unsafe withUnsafeMutableBytes(of: &target) { target in
        unsafe values.withUnsafeBytes { source in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.prefix(target.count)))
        }
    }
}
