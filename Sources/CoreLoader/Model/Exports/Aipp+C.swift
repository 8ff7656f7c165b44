// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import SaturatingArithmetic

@c @implementation
public func aclmdlCreateAIPP(_ batchSize: UInt64) -> OpaquePointer? {
    handle { () throws(Failure) in
        guard let parameters = AippParameters(images: batchSize) else {
            throw .aipp("batchSize \(batchSize)", reason: "it must be from 1 to \(AippParameters.maxImages)")
        }
        return AippObject.table.create(AippObject(parameters))
    }
}

@c @implementation
public func aclmdlDestroyAIPP(_ aippParmsSet: OpaquePointer?) -> aclError {
    status { () throws(Failure) in
        let handle = Handle(aippParmsSet)
        guard AippObject.table.remove(handle) != nil else {
            throw .handle(handle, "aippParmsSet", in: AippObject.table)
        }
    }
}

@c @implementation
public func aclmdlGetAippDataSize(_ batchSize: UInt64, _ size: UnsafeMutablePointer<Int>?) -> aclError {
    status { () throws(Failure) in
        let result = try output(size, "size")
        guard let bytes = AippParameters.byteCount(images: batchSize) else {
            throw .aipp("batchSize \(batchSize)", reason: "it must be greater than 0 and countable")
        }
        result.write(bytes)
    }
}

@c @implementation
public func aclmdlSetAIPPInputFormat(_ aippParmsSet: OpaquePointer?, _ inputFormat: aclAippInputFormat) -> aclError {
    change(aippParmsSet) { parameters throws(Failure) in
        guard let device = AippParameters.deviceFormat(of: inputFormat.rawValue) else {
            throw .aipp("inputFormat \(inputFormat.rawValue)", reason: "it must be from 1 to 14")
        }
        parameters.setInputFormat(inputFormat.rawValue, device: device)
    }
}

@c @implementation
public func aclmdlSetAIPPCscParams(
    _ aippParmsSet: OpaquePointer?, _ cscSwitch: Int8, _ cscMatrixR0C0: Int16, _ cscMatrixR0C1: Int16,
    _ cscMatrixR0C2: Int16, _ cscMatrixR1C0: Int16, _ cscMatrixR1C1: Int16, _ cscMatrixR1C2: Int16,
    _ cscMatrixR2C0: Int16, _ cscMatrixR2C1: Int16, _ cscMatrixR2C2: Int16, _ cscOutputBiasR0: UInt8,
    _ cscOutputBiasR1: UInt8, _ cscOutputBiasR2: UInt8, _ cscInputBiasR0: UInt8, _ cscInputBiasR1: UInt8,
    _ cscInputBiasR2: UInt8
) -> aclError {
    change(aippParmsSet) { parameters throws(Failure) in
        try checkSwitch(cscSwitch, "cscSwitch")
        let matrix = [
            cscMatrixR0C0, cscMatrixR0C1, cscMatrixR0C2, cscMatrixR1C0, cscMatrixR1C1, cscMatrixR1C2, cscMatrixR2C0,
            cscMatrixR2C1, cscMatrixR2C2,
        ]
        for value in matrix { try checkRange(value, -32677...32676, "cscMatrix") }
        parameters.setCsc(
            enabled: cscSwitch, matrix: matrix, outputBias: [cscOutputBiasR0, cscOutputBiasR1, cscOutputBiasR2],
            inputBias: [cscInputBiasR0, cscInputBiasR1, cscInputBiasR2])
    }
}

@c @implementation
public func aclmdlSetAIPPRbuvSwapSwitch(_ aippParmsSet: OpaquePointer?, _ rbuvSwapSwitch: Int8) -> aclError {
    change(aippParmsSet) { parameters throws(Failure) in
        try checkSwitch(rbuvSwapSwitch, "rbuvSwapSwitch")
        parameters.setRbuvSwap(rbuvSwapSwitch)
    }
}

@c @implementation
public func aclmdlSetAIPPAxSwapSwitch(_ aippParmsSet: OpaquePointer?, _ axSwapSwitch: Int8) -> aclError {
    change(aippParmsSet) { parameters throws(Failure) in
        try checkSwitch(axSwapSwitch, "axSwapSwitch")
        parameters.setAxSwap(axSwapSwitch)
    }
}

@c @implementation
public func aclmdlSetAIPPSrcImageSize(
    _ aippParmsSet: OpaquePointer?, _ srcImageSizeW: Int32, _ srcImageSizeH: Int32
) -> aclError {
    change(aippParmsSet) { parameters throws(Failure) in
        try checkRange(srcImageSizeW, 2...4096, "srcImageSizeW")
        try checkRange(srcImageSizeH, 1...4096, "srcImageSizeH")
        parameters.setSourceSize(width: srcImageSizeW, height: srcImageSizeH)
    }
}

@c @implementation
public func aclmdlSetAIPPScfParams(
    _ aippParmsSet: OpaquePointer?, _ scfSwitch: Int8, _ scfInputSizeW: Int32, _ scfInputSizeH: Int32,
    _ scfOutputSizeW: Int32, _ scfOutputSizeH: Int32, _ batchIndex: UInt64
) -> aclError {
    change(aippParmsSet, batchIndex) { parameters, image throws(Failure) in
        try checkSwitch(scfSwitch, "scfSwitch")
        try checkRange(scfInputSizeW, 16...4096, "scfInputSizeW")
        try checkRange(scfInputSizeH, 16...4096, "scfInputSizeH")
        try checkRange(scfOutputSizeW, 16...1920, "scfOutputSizeW")
        try checkRange(scfOutputSizeH, 16...4096, "scfOutputSizeH")
        parameters.setResize(
            scfSwitch, [scfInputSizeW, scfInputSizeH, scfOutputSizeW, scfOutputSizeH], image: image)
    }
}

@c @implementation
public func aclmdlSetAIPPCropParams(
    _ aippParmsSet: OpaquePointer?, _ cropSwitch: Int8, _ cropStartPosW: Int32, _ cropStartPosH: Int32,
    _ cropSizeW: Int32, _ cropSizeH: Int32, _ batchIndex: UInt64
) -> aclError {
    change(aippParmsSet, batchIndex) { parameters, image throws(Failure) in
        try checkSwitch(cropSwitch, "cropSwitch")
        try checkRange(cropStartPosW, 0...4095, "cropStartPosW")
        try checkRange(cropStartPosH, 0...4095, "cropStartPosH")
        try checkRange(cropSizeW, 1...4096, "cropSizeW")
        try checkRange(cropSizeH, 1...4096, "cropSizeH")
        parameters.setCrop(cropSwitch, [cropStartPosW, cropStartPosH, cropSizeW, cropSizeH], image: image)
    }
}

@c @implementation
public func aclmdlSetAIPPPaddingParams(
    _ aippParmsSet: OpaquePointer?, _ paddingSwitch: Int8, _ paddingSizeTop: Int32, _ paddingSizeBottom: Int32,
    _ paddingSizeLeft: Int32, _ paddingSizeRight: Int32, _ batchIndex: UInt64
) -> aclError {
    change(aippParmsSet, batchIndex) { parameters, image throws(Failure) in
        try checkSwitch(paddingSwitch, "paddingSwitch")
        let sizes = [paddingSizeTop, paddingSizeBottom, paddingSizeLeft, paddingSizeRight]
        for size in sizes { try checkRange(size, 0...32, "paddingSize") }
        parameters.setPadding(paddingSwitch, sizes, image: image)
    }
}

@c @implementation
public func aclmdlSetAIPPDtcPixelMean(
    _ aippParmsSet: OpaquePointer?, _ dtcPixelMeanChn0: Int16, _ dtcPixelMeanChn1: Int16, _ dtcPixelMeanChn2: Int16,
    _ dtcPixelMeanChn3: Int16, _ batchIndex: UInt64
) -> aclError {
    change(aippParmsSet, batchIndex) { parameters, image throws(Failure) in
        let means = [dtcPixelMeanChn0, dtcPixelMeanChn1, dtcPixelMeanChn2, dtcPixelMeanChn3]
        for mean in means { try checkRange(mean, 0...255, "dtcPixelMean") }
        parameters.setMean(means, image: image)
    }
}

@c @implementation
public func aclmdlSetAIPPDtcPixelMin(
    _ aippParmsSet: OpaquePointer?, _ dtcPixelMinChn0: Float, _ dtcPixelMinChn1: Float, _ dtcPixelMinChn2: Float,
    _ dtcPixelMinChn3: Float, _ batchIndex: UInt64
) -> aclError {
    change(aippParmsSet, batchIndex) { parameters, image throws(Failure) in
        let values = [dtcPixelMinChn0, dtcPixelMinChn1, dtcPixelMinChn2, dtcPixelMinChn3]
        for value in values { try checkRange(value, 0...255, "dtcPixelMin") }
        parameters.setMin(values, image: image)
    }
}

@c @implementation
public func aclmdlSetAIPPPixelVarReci(
    _ aippParmsSet: OpaquePointer?, _ dtcPixelVarReciChn0: Float, _ dtcPixelVarReciChn1: Float,
    _ dtcPixelVarReciChn2: Float, _ dtcPixelVarReciChn3: Float, _ batchIndex: UInt64
) -> aclError {
    change(aippParmsSet, batchIndex) { parameters, image throws(Failure) in
        let values = [dtcPixelVarReciChn0, dtcPixelVarReciChn1, dtcPixelVarReciChn2, dtcPixelVarReciChn3]
        for value in values { try checkRange(value, -65504...65504, "dtcPixelVarReci") }
        parameters.setReciprocalVariance(values, image: image)
    }
}

@c @implementation
public func aclmdlSetInputAIPP(
    _ modelId: UInt32, _ dataset: OpaquePointer?, _ index: Int, _ aippParmsSet: OpaquePointer?
) -> aclError {
    status { () throws(Failure) in
        let dataset = try Dataset.find(dataset, "dataset")
        let parameters = try AippObject.find(aippParmsSet).parameters
        try AippInput.set(parameters, model: ModelEngine.find(modelId), dataset, input: index)
    }
}

@c @implementation
public func aclmdlSetAIPPByInputIndex(
    _ modelId: UInt32, _ dataset: OpaquePointer?, _ index: Int, _ aippParmsSet: OpaquePointer?
) -> aclError {
    status { () throws(Failure) in
        let dataset = try Dataset.find(dataset, "dataset")
        guard dataset.handle(at: index) != nil else {
            throw .aipp("index \(UInt(bitPattern: index))", reason: "the dataset has \(dataset.count) buffers")
        }
        let model = try ModelEngine.find(modelId)
        let parameters = try AippObject.find(aippParmsSet).parameters
        guard let attached = model.ready.facts.aippParameterInput(ofImage: index) else {
            throw .engine(
                ErrorCode.failure,
                "Input \(index) of model \(modelId) has no dynamic AIPP whose parameters could be set.")
        }
        try AippInput.set(parameters, model: model, dataset, input: attached)
    }
}

@c @implementation
public func aclmdlGetAippType(
    _ modelId: UInt32, _ index: Int, _ type: UnsafeMutablePointer<aclmdlInputAippType>?,
    _ dynamicAttachedDataIndex: UnsafeMutablePointer<Int>?
) -> aclError {
    status { () throws(Failure) in
        let type = try output(type, "type")
        let attached = try output(dynamicAttachedDataIndex, "dynamicAttachedDataIndex")
        let facts = try ModelEngine.find(modelId).ready.facts
        guard facts.aipp.indices.contains(index) else { throw .index(index, count: facts.aipp.count) }
        switch facts.aipp[index].mode {
        case .none: type.write(ACL_DATA_WITHOUT_AIPP)
        case .fixed: type.write(ACL_DATA_WITH_STATIC_AIPP)
        case .dynamic: type.write(ACL_DATA_WITH_DYNAMIC_AIPP)
        case .parameters: type.write(ACL_DYNAMIC_AIPP_NODE)
        case .unknown(let mode):
            throw .engine(
                ErrorCode.geAippModeInvalid, "Input \(index) of model \(modelId) has the AIPP mode '\(mode)'.")
        }
        attached.write(facts.aippParameterInput(ofImage: index) ?? Int(ACL_INVALID_NODE_INDEX))
    }
}

@c @implementation
public func aclmdlGetFirstAippInfo(
    _ modelId: UInt32, _ index: Int, _ aippInfo: UnsafeMutablePointer<aclAippInfo>?
) -> aclError {
    status { () throws(Failure) in
        let result = try output(aippInfo, "aippInfo")
        let facts = try ModelEngine.find(modelId).ready.facts
        guard facts.aipp.indices.contains(index) else { throw .index(index, count: facts.aipp.count) }
        guard facts.aipp[index].mode == .fixed else {
            throw .engine(ErrorCode.geAippNotExist, "Input \(index) of model \(modelId) has no static AIPP.")
        }
        unsafe result.write(try aclAippInfo(facts.aipp[index]))
    }
}

// MARK: - What several setters share

@safe private func change(
    _ pointer: OpaquePointer?, function: StaticString = #function,
    _ body: (inout AippParameters) throws(Failure) -> Void
) -> aclError {
    status(function: function) { () throws(Failure) in try AippObject.find(pointer).change(body) }
}

@safe private func change(
    _ pointer: OpaquePointer?, _ image: UInt64, function: StaticString = #function,
    _ body: (inout AippParameters, Int) throws(Failure) -> Void
) -> aclError {
    change(pointer, function: function) { parameters throws(Failure) in
        guard image < UInt64(clamping: parameters.imageCount) else {
            throw .aipp("batchIndex \(image)", reason: "the parameter set is for \(parameters.imageCount) images")
        }
        try body(&parameters, Int(clamping: image))
    }
}

private func checkSwitch(_ value: Int8, _ name: String) throws(Failure) { try checkRange(value, 0...1, name) }

private func checkRange<Value: Comparable>(
    _ value: Value, _ range: ClosedRange<Value>, _ name: String
) throws(Failure) {
    guard range.contains(value) else {
        throw .aipp("\(name) \(value)", reason: "it must be from \(range.lowerBound) to \(range.upperBound)")
    }
}
