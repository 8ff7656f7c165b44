// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclmdlBundleLoadFromFile(
    _ modelPath: UnsafePointer<CChar>?, _ bundleId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        let (content, result) = try unsafe contentOfFile(modelPath, bundleId)
        result.write(try Bundles.load(content).id)
    }
}

@c @implementation
public func aclmdlBundleLoadFromMem(
    _ model: UnsafeRawPointer?, _ modelSize: Int, _ bundleId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        let (content, result) = try unsafe copy(model, modelSize, bundleId)
        result.write(try Bundles.load(content).id)
    }
}

@c @implementation
public func aclmdlBundleInitFromFile(
    _ modelPath: UnsafePointer<CChar>?, _ varWeightPtr: UnsafeMutableRawPointer?, _ varWeightSize: Int,
    _ bundleId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        let (content, result) = try unsafe contentOfFile(modelPath, bundleId)
        let variables = ModelEngine.CallerMemory(varWeightPtr, varWeightSize)
        result.write(try Bundles.initialize(content, variables: variables).id)
    }
}

@c @implementation
public func aclmdlBundleInitFromMem(
    _ model: UnsafeRawPointer?, _ modelSize: Int, _ varWeightPtr: UnsafeMutableRawPointer?, _ varWeightSize: Int,
    _ bundleId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        let (content, result) = try unsafe copy(model, modelSize, bundleId)
        let variables = ModelEngine.CallerMemory(varWeightPtr, varWeightSize)
        result.write(try Bundles.initialize(content, variables: variables).id)
    }
}

@c @implementation
public func aclmdlBundleUnload(_ bundleId: UInt32) -> aclError {
    status { () throws(Failure) in try Bundles.unload(bundleId) }
}

@c @implementation
public func aclmdlBundleGetModelNum(_ bundleId: UInt32, _ modelNum: UnsafeMutablePointer<Int>?) -> aclError {
    status { () throws(Failure) in
        let result = try output(modelNum, "modelNum")
        result.write(try Bundles.find(bundleId).layout.models.count)
    }
}

@c @implementation
public func aclmdlBundleGetModelId(
    _ bundleId: UInt32, _ index: Int, _ modelId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        let result = try output(modelId, "modelId")
        let bundle = try Bundles.find(bundleId)
        let ids = bundle.modelIDs
        guard ids.indices.contains(index) else { throw .index(index, count: ids.count) }
        guard !bundle.isInitializedOnly, let id = ids[index] else {
            throw Failure(
                ErrorCode.apiNotSupport,
                .coded(
                    "EH0006", title: "Not_Supported",
                    text: "Bundle \(bundleId) was only initialised: use the ids that loading its models gave."))
        }
        result.write(id)
    }
}

@c @implementation
public func aclmdlBundleCreateQueryInfo() -> OpaquePointer? { opaquePointer(BundleQuery.table.create(BundleQuery())) }

@c @implementation
public func aclmdlBundleDestroyQueryInfo(_ queryInfo: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        let handle = Handle(queryInfo)
        guard BundleQuery.table.remove(handle) != nil else { throw .handle(handle, "queryInfo", in: BundleQuery.table) }
    }
}

@c @implementation
public func aclmdlBundleQueryInfoFromFile(
    _ fileName: UnsafePointer<CChar>?, _ queryInfo: OpaquePointer?
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inFile(fileName, argument: "fileName", isBundle: true) { bytes throws(Failure) in
            try unsafe BundleQuery.find(queryInfo).fill(bytes)
        }
    }
}

@c @implementation
public func aclmdlBundleQueryInfoFromMem(
    _ model: UnsafeRawPointer?, _ modelSize: Int, _ queryInfo: OpaquePointer?
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inMemory(model, modelSize, isBundle: true) { bytes throws(Failure) in
            try unsafe BundleQuery.find(queryInfo).fill(bytes)
        }
    }
}

@c @implementation
public func aclmdlBundleGetQueryModelNum(
    _ queryInfo: OpaquePointer?, _ modelNum: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in
        let query = try BundleQuery.find(queryInfo)
        let result = try output(modelNum, "modelNum")
        result.write(query.result.sizes.count)
    }
}

@c @implementation
public func aclmdlBundleGetVarWeightSize(
    _ queryInfo: OpaquePointer?, _ variableWeightSize: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in
        let query = try BundleQuery.find(queryInfo)
        let result = try output(variableWeightSize, "variableWeightSize")
        result.write(query.result.variableBytes)
    }
}

@c @implementation
public func aclmdlBundleGetSize(
    _ queryInfo: OpaquePointer?, _ index: Int, _ workSize: UnsafeMutablePointer<Int>?,
    _ constWeightSize: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in
        let sizes = try BundleQuery.find(queryInfo).result.sizes
        let work = try output(workSize, "workSize")
        let weight = try output(constWeightSize, "constWeightSize")
        guard sizes.indices.contains(index) else { throw .index(index, count: sizes.count) }
        work.write(sizes[index].workspace)
        weight.write(sizes[index].weights)
    }
}

@c @implementation
public func aclmdlBundleLoadModel(
    _ bundleId: UInt32, _ index: Int, _ modelId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        try unsafe load(bundleId, index, modelId) { bytes throws(Failure) in
            try unsafe ModelEngine.load(bytes, work: ModelEngine.CallerMemory(), weight: ModelEngine.CallerMemory())
        }
    }
}

@c @implementation
public func aclmdlBundleLoadModelWithMem(
    _ bundleId: UInt32, _ index: Int, _ workPtr: UnsafeMutableRawPointer?, _ workSize: Int,
    _ weightPtr: UnsafeMutableRawPointer?, _ weightSize: Int, _ modelId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    let work = ModelEngine.CallerMemory(workPtr, workSize)
    let weight = ModelEngine.CallerMemory(weightPtr, weightSize)
    return status { () throws(Failure) in
        try unsafe load(bundleId, index, modelId) { bytes throws(Failure) in
            try unsafe ModelEngine.load(bytes, work: work, weight: weight)
        }
    }
}

@c @implementation
public func aclmdlBundleLoadModelWithConfig(
    _ bundleId: UInt32, _ index: Int, _ handle: OpaquePointer?, _ modelId: UnsafeMutablePointer<UInt32>?
) -> aclError {
    status { () throws(Failure) in
        let values = try LoadConfiguration.find(handle, "handle").values
        try unsafe load(bundleId, index, modelId) { bytes throws(Failure) in try unsafe ModelEngine.load(bytes, values)
        }
    }
}

@c @implementation
public func aclmdlBundleUnloadModel(_ bundleId: UInt32, _ modelId: UInt32) -> aclError {
    status { () throws(Failure) in try Bundles.find(bundleId).unload(modelId) }
}

private func contentOfFile(
    _ path: UnsafePointer<CChar>?, _ id: UnsafeMutablePointer<UInt32>?
) throws(Failure) -> (FileContent, Output<UInt32>) {
    guard let path = text(path) else { throw .null("modelPath") }
    let result = try output(id, "bundleId")
    return (try FileContent(model: path), result)
}

private func copy(
    _ model: UnsafeRawPointer?, _ size: Int, _ id: UnsafeMutablePointer<UInt32>?
) throws(Failure) -> (FileContent, Output<UInt32>) {
    let result = try output(id, "bundleId")
    let content = try unsafe ModelBytes.inMemory(model, size, isBundle: true) { bytes throws(Failure) in
        try unsafe ModelBytes.reading(bytes) { () throws(Failure) in try unsafe FileContent(copying: bytes) }
    }
    return (content, result)
}

private func load(
    _ bundleId: UInt32, _ index: Int, _ modelId: UnsafeMutablePointer<UInt32>?,
    _ load: (UnsafeRawBufferPointer) throws(Failure) -> LoadedModel
) throws(Failure) {
    let bundle = try Bundles.find(bundleId)
    let result = try output(modelId, "modelId")
    result.write(try unsafe bundle.load(index, load))
}
