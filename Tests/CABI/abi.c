/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, offsets and values that programs compiled against other headers depend on. Compiled as C11 and as C++17. */
#include "acl/acl.h"
#include "acl/acl_dump.h"
#include "acl/acl_rt_memory_soma.h"
#include "acl/ops/acl_cblas.h"
#include "acl/ops/acl_dvpp.h"
#include "aclnn/aclnn_base.h"

#include <stddef.h>

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#else
#define ASSERT(condition) _Static_assert(condition, #condition)
#endif

#define SIZE(type, bytes) ASSERT(sizeof(type) == (bytes))
#define OFFSET(type, member, bytes) ASSERT(offsetof(type, member) == (bytes))

SIZE(aclError, 4);
SIZE(aclDataType, 4);
SIZE(aclFormat, 4);
SIZE(aclrtMemcpyKind, 4);
SIZE(aclrtStream, 8);

SIZE(aclmdlIODims, 1160);
OFFSET(aclmdlIODims, dimCount, 128);
OFFSET(aclmdlIODims, dims, 136);
SIZE(aclmdlIODimsRange, 2056);
SIZE(aclmdlBatch, 1032);
SIZE(aclmdlHW, 2056);
SIZE(aclAippDims, 2336);
OFFSET(aclAippDims, srcSize, 1160);
OFFSET(aclAippDims, aippOutdims, 1168);
OFFSET(aclAippDims, aippOutSize, 2328);
SIZE(aclAippInfo, 299216);
OFFSET(aclAippInfo, cropSwitch, 12);
OFFSET(aclAippInfo, loadStartPosW, 16);
OFFSET(aclAippInfo, resizeSwitch, 32);
OFFSET(aclAippInfo, paddingSwitch, 44);
OFFSET(aclAippInfo, leftPaddingSize, 48);
OFFSET(aclAippInfo, cscSwitch, 64);
OFFSET(aclAippInfo, singleLineMode, 67);
OFFSET(aclAippInfo, matrixR0C0, 68);
OFFSET(aclAippInfo, matrixR2C2, 100);
OFFSET(aclAippInfo, outputBias0, 104);
OFFSET(aclAippInfo, inputBias0, 116);
OFFSET(aclAippInfo, meanChn0, 128);
OFFSET(aclAippInfo, minChn0, 144);
OFFSET(aclAippInfo, varReciChn0, 160);
OFFSET(aclAippInfo, srcFormat, 176);
OFFSET(aclAippInfo, srcDatatype, 180);
OFFSET(aclAippInfo, srcDimNum, 184);
OFFSET(aclAippInfo, shapeCount, 192);
OFFSET(aclAippInfo, outDims, 200);
OFFSET(aclAippInfo, aippExtend, 299208);
SIZE(aclmdlAttrValue_t, 32);
SIZE(aclmdlExeOMDesc, 128);
OFFSET(aclmdlExeOMDesc, reserved, 64);
SIZE(aclmdlRITaskParams, 200);
OFFSET(aclmdlRITaskParams, taskGrp, 16);
OFFSET(aclmdlRITaskParams, opInfoPtr, 24);
OFFSET(aclmdlRITaskParams, rsv1, 40);
OFFSET(aclmdlRITaskParams, kernelTaskParams, 72);
SIZE(aclmdlRIKernelTaskParams, 88);
SIZE(aclmdlRICondTaskParams, 24);

SIZE(aclrtMemLocation, 8);
OFFSET(aclrtMemLocation, type, 4);
SIZE(aclrtPtrAttributes, 28);
SIZE(aclrtPhysicalMemProp, 32);
SIZE(aclrtMemAccessDesc, 24);
SIZE(aclrtMemcpyBatchAttr, 32);
SIZE(aclrtMemPoolProps, 56);
SIZE(aclrtMemUsageInfo, 112);
SIZE(aclrtMallocAttribute, 12);
SIZE(aclrtMallocConfig, 16);
SIZE(aclrtServerPid, 24);
SIZE(aclrtUtilizationInfo, 24);
SIZE(aclrtUuid, 16);
SIZE(aclrtMemFabricHandle, 128);
SIZE(aclrtStreamAttrValue, 16);
SIZE(aclrtStreamConfigHandle, 32);
SIZE(aclrtCntNotifyRecordInfo, 8);
SIZE(aclrtCntNotifyWaitInfo, 16);
SIZE(aclrtMemUceInfo, 128);
SIZE(aclrtErrorInfo, 8 + 8 + 20 * 128);
SIZE(aclrtLaunchKernelAttrValue, 16);
SIZE(aclrtLaunchKernelAttr, 20);
SIZE(aclrtLaunchKernelCfg, 16);
SIZE(aclrtBinaryLoadOption, 20);
SIZE(aclrtBinaryLoadOptions, 16);
SIZE(aclrtPlaceHolderInfo, 8);
SIZE(aclrtBarrierTaskInfo, 56);
SIZE(aclrtMemManagedLocation, 8);
SIZE(aclrtIpcEventHandle, 64);
SIZE(dim3, 12);
SIZE(acldumpChunk, 4120);
OFFSET(acldumpChunk, bufLen, 4096);
OFFSET(acldumpChunk, offset, 4104);
OFFSET(acldumpChunk, dataBuf, 4116);
SIZE(aclCANNPackageVersion, 128 + 4 * 64 + 128);

ASSERT(ACL_DT_UNDEFINED == -1 && ACL_FLOAT == 0 && ACL_FLOAT16 == 1 && ACL_INT64 == 9 && ACL_BF16 == 27);
ASSERT(ACL_FLOAT4_E1M2 == 41 && ACL_COMPLEX32 == 33 && ACL_UINT1 == 30);
ASSERT(ACL_FORMAT_NCHW == 0 && ACL_FORMAT_NC1HWC0 == 3 && ACL_FORMAT_FRACTAL_NZ == 29 && ACL_FRACTAL_Z_3D == 33);
ASSERT(ACL_FORMAT_FRACTAL_NZ_C0_8 == 54 && ACL_FORMAT_HWCN == 16);
ASSERT(ACL_DEVICE == 0 && ACL_HOST == 1);
ASSERT(ACL_MEMCPY_DEFAULT == 4 && ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE == 5);
ASSERT(ACL_MEM_MALLOC_HUGE1G_ONLY_P2P == 7 && ACL_MEM_TYPE_HIGH_BAND_WIDTH == 0x1000);
ASSERT(ACL_HBM_MEM == 1 && ACL_MEM_P2P_HUGE1G == 17 && ACL_MEM_NORMAL == 12);
ASSERT(ACL_EVENT_STATUS_COMPLETE == 0 && ACL_EVENT_RECORDED_STATUS_COMPLETE == 1);
ASSERT(ACL_MEM_LOCATION_TYPE_UNREGISTERED == 2 && ACL_MEM_LOCATIONTYPE_HOST == 2);
ASSERT(ACL_MDL_WITHOUT_GRAPH_INT32 == 28 && ACL_NPU_PERF_MODE == 29 && ACL_MDL_RESERVED == 0xFFFF);
ASSERT(ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE == 301 && ACL_DEV_ATTR_NPU_ARCH == 601);
ASSERT(ACL_RT_MEMCPY_SDMA_AUTOMATIC_EQUAL == 13 && ACL_REG_TYPE_OTHER == 0xFFFF);
ASSERT(ACL_ERROR_RT_PARAM_INVALID == 107000 && ACL_ERROR_RT_FEATURE_NOT_SUPPORT == 207000);
ASSERT(ACL_ERROR_SNAPSHOT_LOCK_TIMEOUT == 507905 && ACL_ERROR_RT_CCU_EXCEPTION == 507916);
ASSERT(ACL_UNKNOWN_RANK == 0xFFFFFFFFFFFFFFFE && ACL_MAX_DIM_CNT == 128);

SIZE(acldvppPixelFormat, 4);
SIZE(acldvppStreamFormat, 4);
SIZE(acldvppBorderType, 4);
ASSERT(PIXEL_FORMAT_YUV_SEMIPLANAR_420 == 1 && PIXEL_FORMAT_RGB_888 == 12 && PIXEL_FORMAT_BGR_888 == 13);
ASSERT(PIXEL_FORMAT_YVU_PLANAR_444 == 22 && PIXEL_FORMAT_BGRA_8565 == 40 && PIXEL_FORMAT_RGB_BAYER_16BPP == 54);
ASSERT(PIXEL_FORMAT_BGR_888_PLANAR == 70 && PIXEL_FORMAT_S64C1 == 84 && PIXEL_FORMAT_YUV_SEMIPLANAR_440 == 1000);
ASSERT(PIXEL_FORMAT_BUTT == 1003 && PIXEL_FORMAT_UNKNOWN == 10000);
ASSERT(H265_MAIN_LEVEL == 0 && H264_HIGH_LEVEL == 3 && BORDER_REFLECT_101 == 3);
ASSERT(DVPP_CHNMODE_VPC == 1 && DVPP_CHNMODE_JPEGE == 4 && DVPP_CHNMODE_PNGD == 8);
ASSERT(ACL_JPEG_CSS_GRAY == 3 && ACL_JPEG_CSS_UNKNOWN == 1000);

SIZE(aclnnStatus, 4);
SIZE(aclopEngineType, 4);
SIZE(aclTransType, 4);
SIZE(aclComputeType, 4);
ASSERT(ACL_ENGINE_SYS == 0 && ACL_ENGINE_AICORE == 1 && ACL_ENGINE_VECTOR == 2);
ASSERT(ACL_TRANS_N == 0 && ACL_TRANS_T == 1 && ACL_TRANS_NZ == 2 && ACL_TRANS_NZ_T == 3);
ASSERT(ACL_COMPUTE_HIGH_PRECISION == 0 && ACL_COMPUTE_LOW_PRECISION == 1);

/* The codes that are objects instead of macros; also proves that they are usable in both languages. */
int codesDiffer(void);
int codesDiffer(void)
{
    return ACL_SUCCESS != 0 || ACL_ERROR_INVALID_PARAM != 100000 || ACL_ERROR_INVALID_BUNDLE_MODEL_ID != 148053 ||
           ACL_ERROR_GE_FAILURE != 500002 || ACL_ERROR_STORAGE_OVER_LIMIT != 300000 ||
           ACL_ERROR_GE_EXEC_MODEL_ID_INVALID != 145003U || OK != 0 || ACL_COMPILE_FLAG_BIN_SELECTOR != 1;
}
