// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func aclmdlExecute(_ modelId: UInt32, _ input: OpaquePointer?, _ output: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        let input = try Dataset.find(input, "input")
        let output = try Dataset.find(output, "output")
        try ModelExecution.run(modelId, input, output)
    }
}

@c @implementation
public func aclmdlExecuteAsync(
    _ modelId: UInt32, _ input: OpaquePointer?, _ output: OpaquePointer?, _ stream: aclrtStream?
) -> aclError {
    status { () throws(Failure) in
        let input = try Dataset.find(input, "input")
        let output = try Dataset.find(output, "output")
        _ = try ModelExecution.enqueue(modelId, input, output, on: Handle(stream), mode: .async)
    }
}

@c @implementation
public func aclmdlExecuteV2(
    _ modelId: UInt32, _ input: OpaquePointer?, _ output: OpaquePointer?, _ stream: aclrtStream?,
    _ handle: OpaquePointer?
) -> aclError {
    status { () throws(Failure) in
        let configuration = try ExecuteConfiguration.find(handle, "handle")
        let input = try Dataset.find(input, "input")
        let output = try Dataset.find(output, "output")
        let stream = Handle(stream)
        if stream.isNull {
            try ModelExecution.run(modelId, input, output)
        } else {
            try ModelExecution.runOnStream(
                modelId, input, output, stream, milliseconds: configuration.streamSyncTimeout)
        }
    }
}

@c @implementation
public func aclmdlExecuteAsyncV2(
    _ modelId: UInt32, _ input: OpaquePointer?, _ output: OpaquePointer?, _ stream: aclrtStream?,
    _ handle: OpaquePointer?
) -> aclError {
    status { () throws(Failure) in
        _ = try ExecuteConfiguration.find(handle, "handle")
        let input = try Dataset.find(input, "input")
        let output = try Dataset.find(output, "output")
        _ = try ModelExecution.enqueue(modelId, input, output, on: Handle(stream), mode: .async)
    }
}
