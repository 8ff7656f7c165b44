// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclmdlLoadFromFile(_ modelPath: UnsafePointer<CChar>?, _ modelId: UnsafeMutablePointer<UInt32>?) -> aclError
{
    status { () throws(Failure) in
        try unsafe ModelBytes.inFile(modelPath, argument: "modelPath") { bytes throws(Failure) in
            try unsafe load(bytes, modelId, path: text(modelPath))
        }
    }
}

@c @implementation
public func aclmdlLoadFromFileWithMem(
    _ modelPath: UnsafePointer<CChar>?, _ modelId: UnsafeMutablePointer<UInt32>?, _ workPtr: UnsafeMutableRawPointer?,
    _ workSize: Int, _ weightPtr: UnsafeMutableRawPointer?, _ weightSize: Int
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inFile(modelPath, argument: "modelPath") { bytes throws(Failure) in
            try unsafe load(
                bytes, modelId, path: text(modelPath), work: CallerMemory(workPtr, workSize),
                weight: CallerMemory(weightPtr, weightSize))
        }
    }
}

@c @implementation
public func aclmdlLoadFromMem(
    _ model: UnsafeRawPointer?, _ modelSize: Int, _ modelId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inMemory(model, modelSize) { bytes throws(Failure) in try unsafe load(bytes, modelId) }
    }
}

@c @implementation
public func aclmdlLoadFromMemWithMem(
    _ model: UnsafeRawPointer?, _ modelSize: Int, _ modelId: UnsafeMutablePointer<UInt32>?,
    _ workPtr: UnsafeMutableRawPointer?, _ workSize: Int, _ weightPtr: UnsafeMutableRawPointer?, _ weightSize: Int
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inMemory(model, modelSize) { bytes throws(Failure) in
            try unsafe load(
                bytes, modelId, work: CallerMemory(workPtr, workSize), weight: CallerMemory(weightPtr, weightSize))
        }
    }
}

@c @implementation
public func aclmdlLoadFromFileWithQ(
    _ modelPath: UnsafePointer<CChar>?, _ modelId: UnsafeMutablePointer<UInt32>?, _ inputQ: UnsafePointer<UInt32>?,
    _ inputQNum: Int, _ outputQ: UnsafePointer<UInt32>?, _ outputQNum: Int
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inFile(modelPath, argument: "modelPath") { bytes throws(Failure) in
            try unsafe loadWithQueues(bytes, modelId, inputQ, inputQNum, outputQ, outputQNum)
        }
    }
}

@c @implementation
public func aclmdlLoadFromMemWithQ(
    _ model: UnsafeRawPointer?, _ modelSize: Int, _ modelId: UnsafeMutablePointer<UInt32>?,
    _ inputQ: UnsafePointer<UInt32>?, _ inputQNum: Int, _ outputQ: UnsafePointer<UInt32>?, _ outputQNum: Int
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inMemory(model, modelSize) { bytes throws(Failure) in
            try unsafe loadWithQueues(bytes, modelId, inputQ, inputQNum, outputQ, outputQNum)
        }
    }
}

@c @implementation
public func aclmdlLoadFromModel(
    _ model: UnsafePointer<UnsafeMutableRawPointer?>?, _ handle: OpaquePointer?,
    _ modelId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        throw Failure(
            ErrorCode.rtFeatureNotSupport,
            .unsupported("Loading from a model object is declared by AscendCL, but no release of it has it"))
    }
}

@c @implementation
public func aclmdlUnload(_ modelId: UInt32) -> aclError {
    status { () throws(Failure) in
        try Bundles.refuseMember(modelId)
        try ModelEngine.unload(modelId)
    }
}

@c @implementation
public func aclmdlQuerySize(
    _ fileName: UnsafePointer<CChar>?, _ workSize: UnsafeMutablePointer<Int>?, _ weightSize: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inFile(fileName, argument: "fileName") { bytes throws(Failure) in
            try unsafe querySizes(bytes, workSize, weightSize)
        }
    }
}

@c @implementation
public func aclmdlQuerySizeFromMem(
    _ model: UnsafeRawPointer?, _ modelSize: Int, _ workSize: UnsafeMutablePointer<Int>?,
    _ weightSize: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inMemory(model, modelSize) { bytes throws(Failure) in
            try unsafe querySizes(bytes, workSize, weightSize)
        }
    }
}

@c @implementation
public func aclmdlQueryExeOMDesc(
    _ fileName: UnsafePointer<CChar>?, _ mdlPartitionSize: UnsafeMutablePointer<aclmdlExeOMDesc>?
) -> aclError {
    status { () throws(Failure) in
        throw Failure(
            ErrorCode.rtFeatureNotSupport,
            .unsupported("Pre-scheduled models (.exeom) hold hardware queue entries, which a CPU cannot run"))
    }
}

@c @implementation
public func aclmdlSetAttribute(
    _ modelId: UInt32, _ attr: aclmdlAttr, _ attrValue: UnsafeMutablePointer<aclmdlAttrValue_t>?
) -> aclError {
    status { () throws(Failure) in
        guard let attrValue = unsafe attrValue else { throw .null("attrValue") }
        try checkAttribute(attr)
        let priority = unsafe attrValue.pointee.mdlPriority
        guard priority <= 7 else {
            throw .argument("mdlPriority", value: "\(priority)", reason: "it must be from 0 to 7")
        }
        try ModelEngine.find(modelId).priority.withLock { $0 = priority }
    }
}

@c @implementation
public func aclmdlGetAttribute(
    _ modelId: UInt32, _ attr: aclmdlAttr, _ attrValue: UnsafeMutablePointer<aclmdlAttrValue_t>?
) -> aclError {
    status { () throws(Failure) in
        guard let attrValue = unsafe attrValue else { throw .null("attrValue") }
        try checkAttribute(attr)
        let priority = try ModelEngine.find(modelId).priority.withLock { $0 }
        unsafe attrValue.pointee.mdlPriority = priority
    }
}

@c @implementation
public func aclRecoverAllHcclTasks(_ deviceId: Int32) -> aclError {
    status { () throws(Failure) in
        throw Failure(
            ErrorCode.rtFeatureNotSupport, .unsupported("There are no collective communication tasks on a CPU"))
    }
}

private typealias CallerMemory = ModelEngine.CallerMemory

extension ModelEngine.CallerMemory {
    @safe init(_ pointer: UnsafeMutableRawPointer?, _ bytes: Int) {
        self.init(address: CoreLoader.address(of: pointer), byteCount: size(bytes))
    }
}

/// Loads and tells the caller the id; it is written on success only.
private func load(
    _ bytes: UnsafeRawBufferPointer, _ modelId: UnsafeMutablePointer<UInt32>?, path: String? = nil,
    work: CallerMemory = CallerMemory(), weight: CallerMemory = CallerMemory()
) throws(Failure) {
    let result = try output(modelId, "modelId")
    let source = ExternalSource(modelPath: path)
    result.write(try unsafe ModelEngine.load(bytes, work: work, weight: weight, source: source).id)
}

/// Queues are fed by the NPU's scheduler; without one such a load has nobody who would run the model.
private func loadWithQueues(
    _ bytes: UnsafeRawBufferPointer, _ modelId: UnsafeMutablePointer<UInt32>?, _ inputs: UnsafePointer<UInt32>?,
    _ inputCount: Int, _ outputs: UnsafePointer<UInt32>?, _ outputCount: Int
) throws(Failure) {
    guard unsafe inputs != nil else { throw .null("inputQ") }
    guard unsafe outputs != nil else { throw .null("outputQ") }
    guard inputCount != 0 else { throw .argument("inputQNum", value: "0", reason: "it must be greater than 0") }
    guard outputCount != 0 else { throw .argument("outputQNum", value: "0", reason: "it must be greater than 0") }
    _ = try output(modelId, "modelId")
    try ModelEngine.checkInitialized()
    try unsafe ModelEngine.refuseQueues(bytes)
}

private func querySizes(
    _ bytes: UnsafeRawBufferPointer, _ workSize: UnsafeMutablePointer<Int>?, _ weightSize: UnsafeMutablePointer<Int>?
) throws(Failure) {
    let work = try output(workSize, "workSize")
    let weight = try output(weightSize, "weightSize")
    let sizes = try unsafe ModelEngine.sizes(bytes)
    work.write(sizes.workspace)
    weight.write(sizes.weights)
}

private func checkAttribute(_ attribute: aclmdlAttr) throws(Failure) {
    guard attribute == ACL_MDL_ATTR_PRIORITY_INT32 else {
        throw .argument("attr", value: "\(attribute.rawValue)", reason: "the only attribute is 0 (priority)")
    }
}
