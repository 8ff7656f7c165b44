// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import SaturatingArithmetic

@c @implementation
public func aclmdlCreateConfigHandle() -> OpaquePointer? {
    opaquePointer(LoadConfiguration.table.create(LoadConfiguration()))
}

@c @implementation
public func aclmdlDestroyConfigHandle(_ handle: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        let number = Handle(handle)
        guard LoadConfiguration.table.remove(number) != nil else {
            throw .handle(number, "handle", in: LoadConfiguration.table)
        }
    }
}

@c @implementation
public func aclmdlSetConfigOpt(
    _ handle: OpaquePointer?, _ attr: aclmdlConfigAttr, _ attrValue: UnsafeRawPointer?, _ valueSize: Int
) -> aclError {
    status { () throws(Failure) in
        let configuration = try LoadConfiguration.find(handle, "handle")
        guard let value = unsafe attrValue else { throw .null("attrValue") }
        guard (0...14).contains(attr.rawValue) || attr == ACL_MDL_WITHOUT_GRAPH_INT32 else {
            throw .argument("attr", value: "\(attr.rawValue)", reason: "it must be from 0 to 14, or 28")
        }
        let isNumber32 = attr == ACL_MDL_PRIORITY_INT32 || attr == ACL_MDL_WITHOUT_GRAPH_INT32
        try checkValueSize(valueSize, isNumber32 ? 4 : 8)
        // Safe: the caller vouches for `valueSize` bytes, just checked, at `attrValue`.
        if isNumber32 {
            try configuration.set(attr, number: unsafe value.loadUnaligned(as: Int32.self))
        } else if attr == ACL_MDL_PATH_PTR || attr == ACL_MDL_WEIGHT_PATH_PTR {
            let path = unsafe UnsafePointer<CChar>(bitPattern: value.loadUnaligned(as: UInt.self))
            guard let path = text(path) else { throw .null("*attrValue") }
            configuration.change { values in
                if attr == ACL_MDL_PATH_PTR { values.path = path } else { values.weightPath = path }
            }
        } else {
            try configuration.set(attr, word: unsafe value.loadUnaligned(as: UInt.self))
        }
    }
}

extension LoadConfiguration {
    fileprivate func set(_ attribute: aclmdlConfigAttr, number: Int32) throws(Failure) {
        if attribute == ACL_MDL_PRIORITY_INT32 {
            guard (0...7).contains(number) else {
                throw .argument("*attrValue", value: "\(number)", reason: "a priority must be from 0 to 7")
            }
            change { $0.priority = number }
        } else {
            guard number == 0 || number == 1 else {
                throw .argument("*attrValue", value: "\(number)", reason: "it must be 0 or 1")
            }
            change { $0.isWithoutGraph = number == 1 }
        }
    }

    fileprivate func set(_ attribute: aclmdlConfigAttr, word: UInt) throws(Failure) {
        switch attribute {
        case ACL_MDL_LOAD_TYPE_SIZET:
            guard (1...6).contains(word) else {
                throw .argument("*attrValue", value: "\(word)", reason: "a load type must be from 1 to 6")
            }
            change { $0.loadType = Int(clamping: word) }
        case ACL_MDL_MEM_ADDR_PTR:
            guard word != 0 else { throw .null("*attrValue") }
            change { $0.memory.address = word }
        case ACL_MDL_MEM_SIZET: change { $0.memory.byteCount = word }
        case ACL_MDL_WEIGHT_ADDR_PTR: change { $0.weight.address = word }
        case ACL_MDL_WEIGHT_SIZET: change { $0.weight.byteCount = word }
        case ACL_MDL_WORKSPACE_ADDR_PTR: change { $0.workspace.address = word }
        case ACL_MDL_WORKSPACE_SIZET: change { $0.workspace.byteCount = word }
        case ACL_MDL_INPUTQ_NUM_SIZET:
            change { $0.inputQueues = QueueList(address: $0.inputQueues?.address ?? 0, count: Int(clamping: word)) }
        case ACL_MDL_OUTPUTQ_NUM_SIZET:
            change { $0.outputQueues = QueueList(address: $0.outputQueues?.address ?? 0, count: Int(clamping: word)) }
        case ACL_MDL_INPUTQ_ADDR_PTR:
            guard word != 0 else { throw .null("*attrValue") }
            change { $0.inputQueues = QueueList(address: word, count: $0.inputQueues?.count ?? 0) }
        case ACL_MDL_OUTPUTQ_ADDR_PTR:
            guard word != 0 else { throw .null("*attrValue") }
            change { $0.outputQueues = QueueList(address: word, count: $0.outputQueues?.count ?? 0) }
        default:
            // ACL_MDL_WORKSPACE_MEM_OPTIMIZE: inputs and outputs take no workspace here, whatever it says.
            guard word <= 1 else { throw .argument("*attrValue", value: "\(word)", reason: "it must be 0 or 1") }
        }
    }
}

@c @implementation
public func aclmdlSetExternalWeightAddress(
    _ handle: OpaquePointer?, _ weightFileName: UnsafePointer<CChar>?, _ devPtr: UnsafeMutableRawPointer?, _ size: Int
) -> aclError {
    status { () throws(Failure) in
        let configuration = try LoadConfiguration.find(handle, "handle")
        guard let file = text(weightFileName) else { throw .null("weightFileName") }
        guard unsafe devPtr != nil else { throw .null("devPtr") }
        guard size != 0, size % 32 == 0 else {
            throw .argument("size", value: "\(UInt(bitPattern: size))", reason: "it must be a multiple of 32 above 0")
        }
        let registered = ExternalSource.Registered(
            file: file, address: address(of: devPtr), byteCount: UInt(bitPattern: size))
        configuration.change { $0.externalWeights.append(registered) }
    }
}

@c @implementation
public func aclmdlLoadWithConfig(_ handle: OpaquePointer?, _ modelId: UnsafeMutablePointer<UInt32>?) -> aclError {
    status { () throws(Failure) in
        let values = try LoadConfiguration.find(handle, "handle").values
        let result = try output(modelId, "modelId")
        let isFile = try checkLoadType(values)
        let load: (UnsafeRawBufferPointer) throws(Failure) -> Void = { bytes throws(Failure) in
            let model = try unsafe ModelEngine.load(bytes, values)
            result.write(model.id)
        }
        if isFile {
            try unsafe ModelBytes.inFile(values.path ?? "", load)
        } else {
            try unsafe ModelBytes.inMemory(
                UnsafeRawPointer(bitPattern: values.memory.address), Int(bitPattern: values.memory.byteCount), load)
        }
    }
}

/// Whether the model comes from a file; throws when something that its load type needs is not set.
private func checkLoadType(_ values: LoadConfiguration.Values) throws(Failure) -> Bool {
    guard let type = values.loadType else { throw missing("the load type (ACL_MDL_LOAD_TYPE_SIZET)") }
    let isFile =
        type == ACL_MDL_LOAD_FROM_FILE || type == ACL_MDL_LOAD_FROM_FILE_WITH_MEM
        || type == ACL_MDL_LOAD_FROM_FILE_WITH_Q
    if isFile {
        guard values.path != nil else { throw missing("the path of the model (ACL_MDL_PATH_PTR)") }
        guard values.weightPath == nil else {
            throw .argument(
                "handle", value: "a load configuration", reason: "a weight path goes with loading from memory only")
        }
    } else {
        guard values.memory.address != 0 else { throw missing("the address of the model (ACL_MDL_MEM_ADDR_PTR)") }
        guard values.memory.byteCount != 0 else { throw missing("the size of the model (ACL_MDL_MEM_SIZET)") }
    }
    if type == ACL_MDL_LOAD_FROM_FILE_WITH_Q || type == ACL_MDL_LOAD_FROM_MEM_WITH_Q {
        for (list, name) in [(values.inputQueues, "input"), (values.outputQueues, "output")] {
            guard let list, list.address != 0 else { throw missing("the \(name) queues") }
            guard list.count != 0 else { throw missing("the number of \(name) queues") }
        }
    }
    return isFile
}

private func missing(_ what: String) -> Failure {
    .argument("handle", value: "a load configuration", reason: "\(what) is not set")
}

extension ModelEngine {
    /// The load that a configuration describes.
    static func load(
        _ bytes: UnsafeRawBufferPointer, _ values: LoadConfiguration.Values
    ) throws(Failure) -> LoadedModel {
        let type = Int32(clamping: values.loadType ?? 0)
        if type == ACL_MDL_LOAD_FROM_FILE_WITH_Q || type == ACL_MDL_LOAD_FROM_MEM_WITH_Q {
            try checkInitialized()
            try unsafe refuseQueues(bytes)
        }
        let isFile = type == ACL_MDL_LOAD_FROM_FILE || type == ACL_MDL_LOAD_FROM_FILE_WITH_MEM
        // A model of a bundle is loaded without a type of load.
        let usesMemory =
            values.loadType == nil || type == ACL_MDL_LOAD_FROM_FILE_WITH_MEM || type == ACL_MDL_LOAD_FROM_MEM_WITH_MEM
        let model = try unsafe load(
            bytes, work: usesMemory ? values.workspace : CallerMemory(),
            weight: usesMemory ? values.weight : CallerMemory(),
            source: ExternalSource(
                folder: values.weightPath, modelPath: isFile ? values.path : nil, registered: values.externalWeights),
            withoutGraph: values.isWithoutGraph)
        model.priority.withLock { $0 = UInt32(clamping: values.priority) }
        return model
    }
}

@c @implementation
public func aclmdlCreateExecConfigHandle() -> OpaquePointer? {
    opaquePointer(ExecuteConfiguration.table.create(ExecuteConfiguration()))
}

@c @implementation
public func aclmdlDestroyExecConfigHandle(_ handle: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        let number = Handle(handle)
        guard ExecuteConfiguration.table.remove(number) != nil else {
            throw .handle(number, "handle", in: ExecuteConfiguration.table)
        }
    }
}

@c @implementation
public func aclmdlSetExecConfigOpt(
    _ handle: OpaquePointer?, _ attr: aclmdlExecConfigAttr, _ attrValue: UnsafeRawPointer?, _ valueSize: Int
) -> aclError {
    status { () throws(Failure) in
        let configuration = try ExecuteConfiguration.find(handle, "handle")
        guard let value = unsafe attrValue else { throw .null("attrValue") }
        guard attr == ACL_MDL_STREAM_SYNC_TIMEOUT || attr == ACL_MDL_EVENT_SYNC_TIMEOUT else {
            throw .argument("attr", value: "\(attr.rawValue)", reason: "it must be 0 or 1")
        }
        try checkValueSize(valueSize, 4)
        // Safe: the caller vouches for the four bytes.
        let milliseconds = unsafe value.loadUnaligned(as: Int32.self)
        guard milliseconds >= -1 else {
            throw .argument("*attrValue", value: "\(milliseconds)", reason: "a time limit must be -1 (none) or more")
        }
        configuration.change { values in
            if attr == ACL_MDL_STREAM_SYNC_TIMEOUT {
                values.streamSyncTimeout = milliseconds
            } else {
                values.eventSyncTimeout = milliseconds
            }
        }
    }
}

private func checkValueSize(_ size: Int, _ expected: Int) throws(Failure) {
    guard size == expected else {
        throw .argument(
            "valueSize", value: "\(UInt(bitPattern: size))", reason: "the value of this attribute has \(expected) bytes"
        )
    }
}
