// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import GEGraph
import OfflineModel
import SaturatingArithmetic

@c @implementation
public func aclmdlCreateDesc() -> OpaquePointer? {
    opaquePointer(DescriptionObject.table.create(DescriptionObject()))
}

@c @implementation
public func aclmdlDestroyDesc(_ modelDesc: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        let handle = Handle(modelDesc)
        guard DescriptionObject.table.remove(handle) != nil else {
            throw .handle(handle, "modelDesc", in: DescriptionObject.table)
        }
    }
}

@c @implementation
public func aclmdlGetDesc(_ modelDesc: OpaquePointer?, _ modelId: UInt32) -> aclError {
    status { () throws(Failure) in
        let object = try DescriptionObject.find(modelDesc)
        object.fill(nil)
        try ModelEngine.checkInitialized()
        object.fill(.init(modelID: modelId, facts: try ModelEngine.find(modelId).ready.facts))
    }
}

@c @implementation
public func aclmdlGetDescFromFile(_ modelDesc: OpaquePointer?, _ modelPath: UnsafePointer<CChar>?) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inFile(modelPath, argument: "modelPath") { bytes throws(Failure) in
            let object = try DescriptionObject.find(modelDesc)
            try ModelEngine.checkInitialized()
            object.fill(.init(modelID: 0, facts: try unsafe ModelFacts(describing: bytes)))
        }
    }
}

@c @implementation
public func aclmdlGetDescFromMem(
    _ modelDesc: OpaquePointer?, _ model: UnsafeRawPointer?, _ modelSize: Int
) -> aclError {
    status { () throws(Failure) in
        try unsafe ModelBytes.inMemory(model, modelSize) { bytes throws(Failure) in
            let object = try DescriptionObject.find(modelDesc)
            object.fill(.init(modelID: 0, facts: try unsafe ModelFacts(describing: bytes)))
        }
    }
}

@c @implementation
public func aclmdlGetNumInputs(_ modelDesc: OpaquePointer?) -> Int { count(modelDesc, .input) }

@c @implementation
public func aclmdlGetNumOutputs(_ modelDesc: OpaquePointer?) -> Int { count(modelDesc, .output) }

@c @implementation
public func aclmdlGetInputSizeByIndex(_ modelDesc: OpaquePointer?, _ index: Int) -> Int {
    value(otherwise: 0) { () throws(Failure) in try content(modelDesc).byteCount(.input, index) }
}

@c @implementation
public func aclmdlGetOutputSizeByIndex(_ modelDesc: OpaquePointer?, _ index: Int) -> Int {
    value(otherwise: 0) { () throws(Failure) in try content(modelDesc).byteCount(.output, index) }
}

@c @implementation
public func aclmdlGetInputNameByIndex(_ modelDesc: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
    unsafe name(modelDesc, .input, index)
}

@c @implementation
public func aclmdlGetOutputNameByIndex(_ modelDesc: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
    unsafe name(modelDesc, .output, index)
}

@c @implementation
public func aclmdlGetInputFormat(_ modelDesc: OpaquePointer?, _ index: Int) -> aclFormat {
    format(modelDesc, .input, index)
}

@c @implementation
public func aclmdlGetOutputFormat(_ modelDesc: OpaquePointer?, _ index: Int) -> aclFormat {
    format(modelDesc, .output, index)
}

@c @implementation
public func aclmdlGetInputDataType(_ modelDesc: OpaquePointer?, _ index: Int) -> aclDataType {
    dataType(modelDesc, .input, index)
}

@c @implementation
public func aclmdlGetOutputDataType(_ modelDesc: OpaquePointer?, _ index: Int) -> aclDataType {
    dataType(modelDesc, .output, index)
}

@c @implementation
public func aclmdlGetInputIndexByName(
    _ modelDesc: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ index: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in try unsafe findIndex(modelDesc, .input, name, index) }
}

@c @implementation
public func aclmdlGetOutputIndexByName(
    _ modelDesc: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ index: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in try unsafe findIndex(modelDesc, .output, name, index) }
}

@c @implementation
public func aclmdlGetTensorRealName(
    _ modelDesc: OpaquePointer?, _ name: UnsafePointer<CChar>?
) -> UnsafePointer<CChar>? {
    unsafe value(otherwise: nil) { () throws(Failure) in
        let content = try content(modelDesc)
        guard let name = text(name) else { throw .null("name") }
        guard let real = content.facts.realName(of: name, modelID: content.modelID) else {
            throw .argument("name", value: name, reason: "no input or output has this name")
        }
        return unsafe real.pointer
    }
}

@c @implementation
public func aclmdlGetOpAttr(
    _ modelDesc: OpaquePointer?, _ opName: UnsafePointer<CChar>?, _ attr: UnsafePointer<CChar>?
) -> UnsafePointer<CChar>? {
    unsafe value(otherwise: nil) { () throws(Failure) in
        let object = try DescriptionObject.find(modelDesc)
        guard let operation = text(opName) else { throw .null("opName") }
        guard let attribute = text(attr) else { throw .null("attr") }
        guard attribute == ACL_ATTR_NAME_DATA_DUMP_ORIGIN_OP_NAMES else {
            throw .argument(
                "attr", value: attribute, reason: "the only attribute is \(ACL_ATTR_NAME_DATA_DUMP_ORIGIN_OP_NAMES)")
        }
        guard let content = object.content, content.modelID != 0 else {
            throw .argument("modelDesc", value: "a description", reason: "it does not describe a loaded model")
        }
        return unsafe object.keep(content.facts.originalNames(of: operation)).pointer
    }
}

@c @implementation
public func aclmdlCreateAndGetOpDesc(
    _ deviceId: UInt32, _ streamId: UInt32, _ taskId: UInt32, _ opName: UnsafeMutablePointer<CChar>?,
    _ opNameLen: Int, _ inputDesc: UnsafeMutablePointer<OpaquePointer?>?, _ numInputs: UnsafeMutablePointer<Int>?,
    _ outputDesc: UnsafeMutablePointer<OpaquePointer?>?, _ numOutputs: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in
        guard unsafe opName != nil else { throw .null("opName") }
        guard unsafe inputDesc != nil else { throw .null("inputDesc") }
        guard unsafe outputDesc != nil else { throw .null("outputDesc") }
        guard unsafe numInputs != nil else { throw .null("numInputs") }
        guard unsafe numOutputs != nil else { throw .null("numOutputs") }
        throw .engine(
            ErrorCode.geFailure,
            "Task \(taskId) of stream \(streamId) on device \(deviceId) is unknown: operators do not run as device tasks "
                + "on a CPU, so that none of them can be named in an exception.")
    }
}

// MARK: - Dims

@c @implementation
public func aclmdlGetInputDims(
    _ modelDesc: OpaquePointer?, _ index: Int, _ dims: UnsafeMutablePointer<aclmdlIODims>?
) -> aclError {
    status { () throws(Failure) in
        try unsafe writeDims(modelDesc, .input, index, dims) { tensor throws(Failure) in tensor.dims }
    }
}

@c @implementation
public func aclmdlGetInputDimsV2(
    _ modelDesc: OpaquePointer?, _ index: Int, _ dims: UnsafeMutablePointer<aclmdlIODims>?
) -> aclError {
    status { () throws(Failure) in
        try unsafe writeDims(modelDesc, .input, index, dims) { tensor throws(Failure) in tensor.dimsV2 }
    }
}

@c @implementation
public func aclmdlGetOutputDims(
    _ modelDesc: OpaquePointer?, _ index: Int, _ dims: UnsafeMutablePointer<aclmdlIODims>?
) -> aclError {
    status { () throws(Failure) in
        try unsafe writeDims(modelDesc, .output, index, dims) { tensor throws(Failure) in tensor.dims }
    }
}

@c @implementation
public func aclmdlGetCurOutputDims(
    _ modelDesc: OpaquePointer?, _ index: Int, _ dims: UnsafeMutablePointer<aclmdlIODims>?
) -> aclError {
    status { () throws(Failure) in
        let content = try content(modelDesc)
        let result = try output(dims, "dims")
        let tensor = try content.tensor(.output, index)
        let model = try ModelEngine.find(content.modelID)
        guard !model.ready.isDynamicShape else {
            throw Failure(
                ErrorCode.apiNotSupport,
                .unsupported(
                    "The dims of a model of unknown shape follow from each execution: ask for the tensor description"))
        }
        guard let gear = model.gear.withLock({ $0 }) else {
            return try result.write(content, .output, index, tensor.dims)
        }
        guard let number = content.facts.index(of: gear) else {
            throw .engine(ErrorCode.failure, "Model \(content.modelID) has no such gear as was set last.")
        }
        try result.write(content, .output, index, content.facts.outputDims(gear: number, output: index))
    }
}

@c @implementation
public func aclmdlGetInputDimsRange(
    _ modelDesc: OpaquePointer?, _ index: Int, _ dimsRange: UnsafeMutablePointer<aclmdlIODimsRange>?
) -> aclError {
    status { () throws(Failure) in
        let content = try content(modelDesc)
        let result = try output(dimsRange, "dimsRange")
        guard !content.facts.hasGears else { return result.write(aclmdlIODimsRange()) }
        let tensor = try content.tensor(.input, index)
        let ranges =
            tensor.dims.contains { $0 < 0 }
            ? tensor.range.map { [Int64($0.lower), Int64($0.upper)] } : tensor.dims.map { [Int64($0), Int64($0)] }
        guard ranges.count == tensor.dims.count, ranges.count <= Int(ACL_MAX_DIM_CNT) else {
            throw .engine(
                ErrorCode.internalError,
                "Input \(index) has \(tensor.dims.count) dimensions and \(ranges.count) ranges; both must be equal and at "
                    + "most \(ACL_MAX_DIM_CNT).")
        }
        var value = aclmdlIODimsRange()
        value.rangeCount = ranges.count
        // Safe: at most ACL_MAX_DIM_CNT pairs, as many as the array holds.
        unsafe withUnsafeMutableBytes(of: &value.range) { target in
            unsafe ranges.flatMap { $0 }.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
        result.write(value)
    }
}

extension Output where Value == aclmdlIODims {
    /// Throws 300000 for more dimensions than the structure holds.
    fileprivate func write(
        _ content: DescriptionObject.Content, _ direction: ModelFacts.Direction, _ index: Int, _ dims: [Int]
    ) throws(Failure) {
        write(
            try aclmdlIODims(
                name: content.facts.shortName(direction, index, modelID: content.modelID), dims: dims.map(Int64.init)))
    }
}

extension aclmdlIODims {
    init(name: String, dims: [Int64]) throws(Failure) {
        guard dims.count <= Int(ACL_MAX_DIM_CNT) else {
            throw .engine(
                ErrorCode.storageOverLimit,
                "Tensor \(name) has \(dims.count) dimensions; the structure for them holds \(ACL_MAX_DIM_CNT).")
        }
        self.init()
        dimCount = dims.count
        // Safe: both copies are limited to the size of their target; the rest stays zero.
        unsafe withUnsafeMutableBytes(of: &self.dims) { target in
            unsafe dims.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
        unsafe withUnsafeMutableBytes(of: &self.name) { target in
            unsafe Array(name.utf8.prefix(target.count - 1)).withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
    }

    /// The dimensions, at most as many as the structure holds.
    var values: [Int64] {
        var copy = dims
        return unsafe withUnsafeBytes(of: &copy) { bytes in
            unsafe Array(unsafe bytes.bindMemory(to: Int64.self).prefix(max(0, min(dimCount, Int(ACL_MAX_DIM_CNT)))))
        }
    }
}

// MARK: - What several getters share

/// The content of a live description; an unfilled one has nothing at any index.
@safe private func content(_ pointer: OpaquePointer?) throws(Failure) -> DescriptionObject.Content {
    guard let content = try DescriptionObject.find(pointer).content else {
        throw .argument("modelDesc", value: "an empty description", reason: "aclmdlGetDesc has not filled it")
    }
    return content
}

@safe private func count(
    _ pointer: OpaquePointer?, _ direction: ModelFacts.Direction, function: StaticString = #function
) -> Int {
    let handle = Handle(pointer)
    if handle.isNull { return 0 }
    return value(otherwise: 0, function: function) { () throws(Failure) in
        try DescriptionObject.find(pointer).content?.facts.tensors(direction).count ?? 0
    }
}

private func name(
    _ pointer: OpaquePointer?, _ direction: ModelFacts.Direction, _ index: Int, function: StaticString = #function
) -> UnsafePointer<CChar>? {
    unsafe value(otherwise: noName.pointer, function: function) { () throws(Failure) in
        let content = try content(pointer)
        _ = try content.tensor(direction, index)
        return unsafe content.facts.cName(direction, index).pointer
    }
}

private let noName = CString("")

@safe private func format(
    _ pointer: OpaquePointer?, _ direction: ModelFacts.Direction, _ index: Int, function: StaticString = #function
) -> aclFormat {
    value(otherwise: ACL_FORMAT_UNDEFINED, function: function) { () throws(Failure) in
        aclFormat(rawValue: try content(pointer).tensor(direction, index).format.rawValue)
    }
}

@safe private func dataType(
    _ pointer: OpaquePointer?, _ direction: ModelFacts.Direction, _ index: Int, function: StaticString = #function
) -> aclDataType {
    value(otherwise: ACL_DT_UNDEFINED, function: function) { () throws(Failure) in
        let content = try content(pointer)
        return aclDataType(rawValue: content.facts.dataType(of: try content.tensor(direction, index)))
    }
}

private func findIndex(
    _ pointer: OpaquePointer?, _ direction: ModelFacts.Direction, _ name: UnsafePointer<CChar>?,
    _ index: UnsafeMutablePointer<Int>?
) throws(Failure) {
    let content = try content(pointer)
    guard let name = text(name) else { throw .null("name") }
    let result = try output(index, "index")
    guard let found = content.facts.index(direction, named: name) else {
        let known = content.facts.tensors(direction).map { "'\($0.name)'" }.joined(separator: ", ")
        throw .argument("name", value: name, reason: "the \(direction.rawValue)s are \(known)")
    }
    result.write(found)
}

private func writeDims(
    _ pointer: OpaquePointer?, _ direction: ModelFacts.Direction, _ index: Int,
    _ dims: UnsafeMutablePointer<aclmdlIODims>?, _ choose: (ModelDescription.Tensor) throws(Failure) -> [Int]
) throws(Failure) {
    let content = try content(pointer)
    let result = try output(dims, "dims")
    try result.write(content, direction, index, choose(content.tensor(direction, index)))
}
