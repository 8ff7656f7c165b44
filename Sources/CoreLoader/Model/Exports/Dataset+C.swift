// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclmdlCreateDataset() -> OpaquePointer? { opaquePointer(Dataset.table.create(Dataset())) }

@c @implementation
public func aclmdlDestroyDataset(_ dataset: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        let handle = Handle(dataset)
        guard let dataset = Dataset.table.remove(handle) else { throw .handle(handle, "dataset", in: Dataset.table) }
        dataset.withdrawDescriptions()
    }
}

@c @implementation
public func aclmdlAddDatasetBuffer(_ dataset: OpaquePointer?, _ dataBuffer: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        let dataset = try Dataset.find(dataset, "dataset")
        let handle = Handle(dataBuffer)
        guard let buffer = DataBuffer.table.find(handle) else {
            throw .handle(handle, "dataBuffer", in: DataBuffer.table)
        }
        dataset.append(buffer, handle: handle)
    }
}

@c @implementation
public func aclmdlGetDatasetNumBuffers(_ dataset: OpaquePointer?) -> Int {
    value(otherwise: 0) { () throws(Failure) in try Dataset.find(dataset, "dataset").count }
}

@c @implementation
public func aclmdlGetDatasetBuffer(_ dataset: OpaquePointer?, _ index: Int) -> OpaquePointer? {
    handle { () throws(Failure) in
        let dataset = try Dataset.find(dataset, "dataset")
        guard let handle = dataset.handle(at: index) else { throw .index(index, count: dataset.count) }
        return handle
    }
}

@c @implementation
public func aclmdlSetDatasetTensorDesc(
    _ dataset: OpaquePointer?, _ tensorDesc: OpaquePointer?, _ index: Int
) -> aclError {
    status { () throws(Failure) in
        let dataset = try Dataset.find(dataset, "dataset")
        guard dataset.handle(at: index) != nil else { throw .index(index, count: dataset.count) }
        let description: TensorDescriptionObject? =
            if Handle(tensorDesc).isNull { nil } else {
                try TensorDescriptionObject.make(TensorDescriptionObject.find(tensorDesc, "tensorDesc").value)
            }
        guard dataset.setDescription(description, at: index) else { throw .index(index, count: dataset.count) }
    }
}

@c @implementation
public func aclmdlGetDatasetTensorDesc(_ dataset: OpaquePointer?, _ index: Int) -> OpaquePointer? {
    handle { () throws(Failure) in
        let dataset = try Dataset.find(dataset, "dataset")
        guard dataset.handle(at: index) != nil else { throw .index(index, count: dataset.count) }
        return dataset.description(at: index)?.handle
    }
}

extension Dataset {
    /// The live dataset of a handle; throws 100000 for everything else.
    @safe @inline(__always)
    static func find(_ pointer: OpaquePointer?, _ argument: String) throws(Failure) -> Dataset {
        let handle = Handle(pointer)
        guard let dataset = table.find(handle) else { throw .handle(handle, argument, in: table) }
        return dataset
    }
}
