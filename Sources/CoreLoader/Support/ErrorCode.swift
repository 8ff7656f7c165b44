// SPDX-License-Identifier: Apache-2.0

/// The return codes that this library produces; numbers and names are those of the C headers.
enum ErrorCode {
    static let success: Int32 = 0
    static let hostMemoryAlreadyRegistered: Int32 = 507_910
    static let hostMemoryNotRegistered: Int32 = 507_911
    static let invalidParam: Int32 = 100_000
    static let uninitialize: Int32 = 100_001
    static let repeatInitialize: Int32 = 100_002
    static let invalidFile: Int32 = 100_003
    static let writeFile: Int32 = 100_004
    static let parseFile: Int32 = 100_006
    static let invalidDumpConfig: Int32 = 100_009
    static let invalidProfilingConfig: Int32 = 100_010
    static let formatNotMatch: Int32 = 100_027
    static let repeatFinalize: Int32 = 100_037
    static let dumpAlreadyRun: Int32 = 100_044
    static let dumpNotRun: Int32 = 100_045

    static let invalidMaxOpqueueNumConfig: Int32 = 148_048

    static let badAlloc: Int32 = 200_000
    static let apiNotSupport: Int32 = 200_001
    static let featureUnsupported: Int32 = 200_006

    static let storageOverLimit: Int32 = 300_000

    static let internalError: Int32 = 500_000
    static let failure: Int32 = 500_001
    static let geFailure: Int32 = 500_002

    static let invalidBundleModelId: Int32 = 148_053

    static let rtParamInvalid: Int32 = 107_000
    static let rtInvalidDeviceid: Int32 = 107_001
    static let rtContextNull: Int32 = 107_002
    static let rtStreamContext: Int32 = 107_003
    static let rtEventTimestampInvalid: Int32 = 107_006
    static let rtEventTimestampReversal: Int32 = 107_007
    static let rtStreamSubscribe: Int32 = 107_011
    static let rtThreadSubscribe: Int32 = 107_012
    static let rtGroupNotCreate: Int32 = 107_014
    static let rtStreamNoCbReg: Int32 = 107_015
    static let rtInvalidMemoryType: Int32 = 107_016
    static let rtInvalidHandle: Int32 = 107_017
    static let rtSysparamoptNotSet: Int32 = 107_021
    static let rtStreamAbort: Int32 = 107_023
    static let rtStreamNotCaptured: Int32 = 107_029
    static let rtSymbolNotFound: Int32 = 107_042

    static let rtFeatureNotSupport: Int32 = 207_000
    static let rtMemoryAllocation: Int32 = 207_001
    static let rtNoDevice: Int32 = 207_004
    static let rtNoEventResource: Int32 = 207_007
    static let rtNoStreamResource: Int32 = 207_008
    static let rtNoNotifyResource: Int32 = 207_009
    static let rtResourceAllocFail: Int32 = 207_005

    static let rtInternalError: Int32 = 507_000
    static let rtContextReleaseError: Int32 = 507_007
    static let rtReportTimeout: Int32 = 507_012
    static let rtDevSetupError: Int32 = 507_033
    static let rtStreamSyncTimeout: Int32 = 507_046
    static let rtEventSyncTimeout: Int32 = 507_047
    static let rtModelExecute: Int32 = 507_011
    static let rtAicpuException: Int32 = 507_018

    static let geParamInvalid: Int32 = 145_000
    static let geExecNotInit: Int32 = 145_001
    static let geExecModelPathInvalid: Int32 = 145_002
    static let geExecModelIdInvalid: Int32 = 145_003
    static let geExecModelDataSizeInvalid: Int32 = 145_006
    static let geExecModelQueueIdInvalid: Int32 = 145_008
    static let geDynamicInputLengthInvalid: Int32 = 145_012
    static let geDynamicBatchSizeInvalid: Int32 = 145_013
    static let geAippBatchEmpty: Int32 = 145_014
    static let geAippNotExist: Int32 = 145_015
    static let geAippModeInvalid: Int32 = 145_016

    static let geMemoryAllocation: Int32 = 245_000

    static let geInternalError: Int32 = 545_000
}
