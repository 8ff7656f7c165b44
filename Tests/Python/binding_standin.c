/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for libascendcl.so: records calls and writes known values. The regular functions are generated after this
 * part (binding_standin.py); the functions below need more than parameters in and out. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "acl/acl.h"
#include "acl/acl_rt_allocator.h"
#include "acl/ops/acl_dvpp.h"

struct dump_chunk {
    char file_name[4096];
    uint32_t length;
    uint32_t is_last;
    int64_t offset;
    int32_t flag;
    uint8_t data[8];
};
typedef int32_t (*acldumpCallback)(const struct dump_chunk *chunk, int32_t length);

enum { MOST_VALUES = 64, MOST_TEXTS = 8, LONGEST_TEXT = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int code;
static int calls;
static int expected_inside;
static int inside;
static int met;
static char called[64];
static long long values[MOST_VALUES];
static int value_count;
static char texts[MOST_TEXTS][LONGEST_TEXT];
static int text_count;

/* The code that functions answer, and how many threads shall be inside one at the same time (0: do not wait). */
void standin_set(int new_code, int hold)
{
    code = new_code;
    expected_inside = hold;
    inside = met = calls = 0;
}

int standin_met(void)
{
    return met;
}
int standin_calls(void)
{
    return calls;
}
const char *standin_name(void)
{
    return called;
}
int standin_count(void)
{
    return value_count;
}
long long standin_value(int index)
{
    return values[index];
}
int standin_text_count(void)
{
    return text_count;
}
const char *standin_text(int index)
{
    return texts[index];
}

static void begin(const char *function)
{
    pthread_mutex_lock(&lock);
    calls++;
    value_count = text_count = 0;
    snprintf(called, sizeof called, "%s", function);
    if (expected_inside) {
        /* Ends as soon as enough threads are inside; the deadline ends a failing test only. */
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 10;
        inside++;
        pthread_cond_broadcast(&moved);
        while (inside < expected_inside && !pthread_cond_timedwait(&moved, &lock, &until)) {
        }
        met = inside >= expected_inside;
    }
    pthread_mutex_unlock(&lock);
}

static void take(long long value)
{
    if (value_count < MOST_VALUES) {
        values[value_count++] = value;
    }
}

static void take_float(float value)
{
    int bits;
    memcpy(&bits, &value, sizeof bits);
    take(bits);
}

static void take_double(double value)
{
    long long bits;
    memcpy(&bits, &value, sizeof bits);
    take(bits);
}

static void take_text(const char *text)
{
    take(text != NULL);
    if (text && text_count < MOST_TEXTS) {
        snprintf(texts[text_count++], LONGEST_TEXT, "%s", text);
    }
}

static void take64(const int64_t *items, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        take(items[index]);
    }
}

static void take32(const int32_t *items, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        take(items[index]);
    }
}

/* write_TYPE fills what a function delivers. */

static void write_aclmdlIODims(aclmdlIODims *to)
{
    strcpy(to->name, "text");
    to->dimCount = 2;
    to->dims[0] = 3;
    to->dims[1] = -1;
}

static void write_aclmdlBatch(aclmdlBatch *to)
{
    to->batchCount = 2;
    to->batch[0] = 1;
    to->batch[1] = 4;
}

static void write_aclmdlHW(aclmdlHW *to)
{
    to->hwCount = 1;
    to->hw[0][0] = 224;
    to->hw[0][1] = 112;
}

static void write_aclmdlIODimsRange(aclmdlIODimsRange *to)
{
    to->rangeCount = 1;
    to->range[0][0] = 1;
    to->range[0][1] = -1;
}

static void write_aclrtUtilizationInfo(aclrtUtilizationInfo *to)
{
    to->cubeUtilization = 1;
    to->vectorUtilization = 2;
    to->aicpuUtilization = 3;
    to->memoryUtilization = -1;
}

static void write_aclrtPtrAttributes(aclrtPtrAttributes *to)
{
    to->location.id = 7;
    to->location.type = ACL_MEM_LOCATION_TYPE_DEVICE;
    to->pageSize = 4096;
    to->rsv[3] = 9;
}

static void write_aclrtUuid(aclrtUuid *to)
{
    memcpy(to->bytes, "0123456789abcde", 16);
}

static void write_aclCANNPackageVersion(aclCANNPackageVersion *to)
{
    strcpy(to->version, "8.1.RC2");
    strcpy(to->majorVersion, "8");
}

static void write_aclrtStreamAttrValue(aclrtStreamAttrValue *to)
{
    to->failureMode = 6;
}

static void write_aclAippInfo(aclAippInfo *to)
{
    to->matrixR0C2 = 5;
    to->minChn1 = 0.5F;
    to->srcFormat = ACL_FORMAT_UNDEFINED;
    to->shapeCount = 1;
    write_aclmdlIODims(&to->outDims[0].srcDims);
    to->outDims[0].srcSize = 8;
}

/* take_TYPE records what a function receives. */

static void take_aclrtMallocConfig(const aclrtMallocConfig *from)
{
    take(from != NULL);
    if (from) {
        take((long long)from->numAttrs);
        for (size_t index = 0; index < from->numAttrs; index++) {
            take(from->attrs[index].attr);
            take(from->attrs[index].value.deviceId);
        }
    }
}

static void take_aclrtPhysicalMemProp(const aclrtPhysicalMemProp *from)
{
    take(from->handleType);
    take(from->memAttr);
    take(from->location.id);
    take(from->location.type);
    take((long long)from->reserve);
}

static void take_aclrtBinaryLoadOptions(const aclrtBinaryLoadOptions *from)
{
    take(from != NULL);
    if (from) {
        take((long long)from->numOpt);
        take(from->options[0].type);
        take(from->options[0].value.magic);
    }
}

static void take_aclrtLaunchKernelCfg(const aclrtLaunchKernelCfg *from)
{
    take(from != NULL);
    if (from) {
        take((long long)from->numAttrs);
        take(from->attrs[0].id);
        take(from->attrs[0].value.rsv[0]);
    }
}

static void take_aclrtPlaceHolderInfo(const aclrtPlaceHolderInfo *from)
{
    take(from != NULL);
    if (from) {
        take(from->addrOffset);
        take(from->dataOffset);
    }
}

static void take_aclmdlIODims(const aclmdlIODims *from)
{
    take((long long)from->dimCount);
    take64(from->dims, from->dimCount);
    take_text(from->name);
}

static void take_aclrtMemUceInfo(const aclrtMemUceInfo *from)
{
    take((long long)from->addr);
    take((long long)from->len);
    take((long long)from->reserved[1]);
}

/* Functions with a body of their own. */

void aclAppLog(aclLogLevel level, const char *func, const char *file, uint32_t line, const char *fmt, ...)
{
    begin("aclAppLog");
    take(level);
    take_text(fmt);
    va_list list;
    va_start(list, fmt);
    take_text(va_arg(list, const char *));
    va_end(list);
}

aclError aclGetCannAttributeList(const aclCannAttr **list, size_t *num)
{
    static const aclCannAttr attributes[] = {ACL_CANN_ATTR_INF_NAN, ACL_CANN_ATTR_JIT_COMPILE};
    begin("aclGetCannAttributeList");
    if (!code) {
        *list = attributes;
        *num = 2;
    }
    return code;
}

aclError aclsysGetVersionStr(char *package, char *version)
{
    begin("aclsysGetVersionStr");
    take_text(package);
    if (!code) {
        strcpy(version, "text");
    }
    return code;
}

aclError aclGetTensorDescDimRange(const aclTensorDesc *desc, size_t index, size_t count, int64_t *range)
{
    begin("aclGetTensorDescDimRange");
    if (!code) {
        range[0] = 1;
        range[1] = -1;
    }
    return code;
}

aclError aclrtSetStreamAttribute(aclrtStream stream, aclrtStreamAttr attribute, aclrtStreamAttrValue *value)
{
    begin("aclrtSetStreamAttribute");
    take((long long)stream);
    take(attribute);
    take(value->reserve[0]);
    take(value->reserve[1]);
    return code;
}

aclError aclrtGetGroupInfoDetail(
    const aclrtGroupInfo *info, int32_t index, aclrtGroupAttr attr, void *value, size_t length, size_t *written)
{
    static const int32_t numbers[] = {4, 5};
    begin("aclrtGetGroupInfoDetail");
    memcpy(value, numbers, sizeof numbers);
    *written = sizeof numbers;
    return code;
}

aclError aclrtGetMemUceInfo(int32_t device, aclrtMemUceInfo *infos, size_t size, size_t *count)
{
    begin("aclrtGetMemUceInfo");
    if (!code) {
        infos[0].len = 3;
        *count = 1;
    }
    return code;
}

aclError aclmdlSetConfigOpt(aclmdlConfigHandle *handle, aclmdlConfigAttr attr, const void *value, size_t size)
{
    begin("aclmdlSetConfigOpt");
    take((long long)handle);
    take(attr);
    take((long long)size);
    if (attr == ACL_MDL_PATH_PTR) {
        take_text(*(const char *const *)value);
    } else {
        take(size == 4 ? *(const int32_t *)value : *(const int64_t *)value);
    }
    return code;
}

aclError aclmdlSetExecConfigOpt(
    aclmdlExecConfigHandle *handle, aclmdlExecConfigAttr attr, const void *value, size_t size)
{
    begin("aclmdlSetExecConfigOpt");
    take((long long)handle);
    take(attr);
    take((long long)size);
    take(*(const uint32_t *)value);
    return code;
}

aclError aclmdlGetInputDynamicDims(const aclmdlDesc *desc, size_t index, aclmdlIODims *dims, size_t count)
{
    begin("aclmdlGetInputDynamicDims");
    for (size_t gear = 0; !code && gear < count; gear++) {
        write_aclmdlIODims(&dims[gear]);
    }
    return code;
}

/* Functions that take functions, and standin_fire_X, which calls them. */

static aclrtCallback launched;
static void *launched_data;
static aclrtExceptionInfoCallback exception_callback;
static acldumpCallback dump_callback;
static aclrtAllocatorAllocFunc allocator_alloc;
static aclrtAllocatorFreeFunc allocator_free;
static aclrtAllocatorAllocAdviseFunc allocator_advise;
static aclrtAllocatorGetAddrFromBlockFunc allocator_address;

aclError aclrtLaunchCallback(aclrtCallback fn, void *data, aclrtCallbackBlockType block, aclrtStream stream)
{
    begin("aclrtLaunchCallback");
    if (!code) {
        launched = fn;
        launched_data = data;
    }
    return code;
}

aclError aclrtProcessReport(int32_t timeout)
{
    begin("aclrtProcessReport");
    if (launched) {
        aclrtCallback run = launched;
        launched = NULL;
        run(launched_data);
    }
    return code;
}

aclError aclrtSetExceptionInfoCallback(aclrtExceptionInfoCallback callback)
{
    begin("aclrtSetExceptionInfoCallback");
    take(callback != NULL);
    if (!code) {
        exception_callback = callback;
    }
    return code;
}

void standin_fire_exception(void)
{
    exception_callback((aclrtExceptionInfo *)0xABC);
}

aclError acldumpRegCallback(acldumpCallback callback, int32_t flag)
{
    begin("acldumpRegCallback");
    if (!code) {
        dump_callback = callback;
    }
    return code;
}

void acldumpUnregCallback(void)
{
    begin("acldumpUnregCallback");
    dump_callback = NULL;
}

int standin_fire_dump(void)
{
    static const struct dump_chunk chunk = {"file", 8, 1, -1, 3, {1, 2, 3, 4, 5, 6, 7, 8}};
    return dump_callback(&chunk, sizeof chunk);
}

aclError aclrtAllocatorSetAllocFuncToDesc(aclrtAllocatorDesc desc, aclrtAllocatorAllocFunc func)
{
    begin("aclrtAllocatorSetAllocFuncToDesc");
    allocator_alloc = func;
    return code;
}

aclError aclrtAllocatorSetFreeFuncToDesc(aclrtAllocatorDesc desc, aclrtAllocatorFreeFunc func)
{
    begin("aclrtAllocatorSetFreeFuncToDesc");
    allocator_free = func;
    return code;
}

aclError aclrtAllocatorSetAllocAdviseFuncToDesc(aclrtAllocatorDesc desc, aclrtAllocatorAllocAdviseFunc func)
{
    begin("aclrtAllocatorSetAllocAdviseFuncToDesc");
    allocator_advise = func;
    return code;
}

aclError aclrtAllocatorSetGetAddrFromBlockFuncToDesc(aclrtAllocatorDesc desc, aclrtAllocatorGetAddrFromBlockFunc func)
{
    begin("aclrtAllocatorSetGetAddrFromBlockFuncToDesc");
    allocator_address = func;
    return code;
}

long long standin_fire_allocator(int kind)
{
    switch (kind) {
    case 0:
        return (long long)allocator_alloc((void *)1, 5000000000);
    case 1:
        allocator_free((void *)1, (void *)2);
        return 0;
    case 2:
        return (long long)allocator_advise((void *)1, 2, (void *)3);
    default:
        return (long long)allocator_address((void *)4);
    }
}
