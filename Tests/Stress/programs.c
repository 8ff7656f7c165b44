// SPDX-License-Identifier: Apache-2.0
// Short programs that make sense, between the random calls: what they make is used, and sometimes left, for the others.
#include <string.h>

#include "stress.h"

static int code_of(int first, int second)
{
    return first != ACL_SUCCESS ? first : second;
}

static aclmdlDataset *dataset(struct caller *c)
{
    aclmdlDataset *made = aclmdlCreateDataset();
    aclDataBuffer *buffer = aclCreateDataBuffer(c->blocks[draw(c, BLOCKS)], BLOCK);

    aclmdlAddDatasetBuffer(made, buffer);
    return made;
}

static void give_up(aclmdlDataset *set)
{
    aclDestroyDataBuffer(aclmdlGetDatasetBuffer(set, 0));
    aclmdlDestroyDataset(set);
}

// Loads one of several ways and executes, in turn or on a stream.
static int model(struct caller *c)
{
    uint32_t id = 0;
    size_t work = 0;
    size_t weight = 0;
    aclrtStream stream = NULL;
    aclmdlConfigHandle *config = aclmdlCreateConfigHandle();
    aclmdlDataset *input = dataset(c);
    aclmdlDataset *output = dataset(c);
    const void *bytes = model_bytes();
    size_t type = ACL_MDL_LOAD_FROM_MEM;
    size_t size = model_length();
    int code = aclmdlQuerySizeFromMem(bytes, size, &work, &weight);

    switch (draw(c, 4)) {
    case 0:
        code = code_of(
            code, aclmdlLoadFromMemWithMem(bytes, size, &id, c->blocks[0], BLOCK, c->blocks[draw(c, BLOCKS)], BLOCK));
        break;
    case 1:
        code = aclmdlSetConfigOpt(config, ACL_MDL_LOAD_TYPE_SIZET, &type, sizeof type);
        code = code_of(code, aclmdlSetConfigOpt(config, ACL_MDL_MEM_ADDR_PTR, &bytes, sizeof bytes));
        code = code_of(code, aclmdlSetConfigOpt(config, ACL_MDL_MEM_SIZET, &size, sizeof size));
        code = code_of(code, aclmdlLoadWithConfig(config, &id));
        break;
    default:
        code = aclmdlLoadFromMem(bytes, size, &id);
    }
    if (code == ACL_SUCCESS && draw(c, 2)) {
        code = aclmdlExecute(id, input, output);
    } else if (code == ACL_SUCCESS) {
        code = code_of(aclrtCreateStream(&stream), aclmdlExecuteAsync(id, input, output, stream));
        code = code_of(code, aclrtSynchronizeStreamWithTimeout(stream, 1000));
        aclrtDestroyStreamForce(stream);
    }
    if (id && draw(c, 2))
        keep_model(id);
    else if (id)
        unload(id);
    aclmdlDestroyConfigHandle(config);
    give_up(input);
    give_up(output);
    return code;
}

static int pool(struct caller *c)
{
    aclrtMemPoolProps properties;
    aclrtMemPool made = NULL;
    aclrtStream stream = NULL;
    void *memory = NULL;
    int code;

    memset(&properties, 0, sizeof properties);
    properties.maxSize = 1 << 20;
    properties.location.type = ACL_MEM_LOCATION_TYPE_DEVICE;
    code = code_of(aclrtCreateStream(&stream), aclrtMemPoolCreate(&made, &properties));
    code = code_of(code, aclrtMemPoolMallocAsync(&memory, BLOCK, made, stream));
    code = code_of(code, aclrtMemsetAsync(memory, BLOCK, 1, BLOCK, stream));
    code = code_of(code, aclrtMemPoolFreeAsync(memory, stream));
    code = code_of(code, aclrtSynchronizeStreamWithTimeout(stream, 1000));
    code = code_of(code, aclrtMemPoolTrimTo(made, draw(c, BLOCK)));
    aclrtDestroyStreamForce(stream);
    aclrtMemPoolDestroy(made);
    return code;
}

static int mapping(struct caller *c)
{
    enum { BYTES = 2 << 20 };
    aclrtPhysicalMemProp property;
    aclrtMemAccessDesc access;
    aclrtDrvMemHandle memory = NULL;
    char *place = NULL;
    int code;

    memset(&property, 0, sizeof property);
    memset(&access, 0, sizeof access);
    property.memAttr = ACL_HBM_MEM_HUGE;
    property.location.type = ACL_MEM_LOCATION_TYPE_DEVICE;
    access.location.type = ACL_MEM_LOCATION_TYPE_DEVICE;
    access.flags = draw(c, 2) ? ACL_RT_MEM_ACCESS_FLAGS_READWRITE : ACL_RT_MEM_ACCESS_FLAGS_NONE;
    code = aclrtReserveMemAddress((void **)&place, 2 * BYTES, 0, NULL, 1);
    code = code_of(code, aclrtMallocPhysical(&memory, BYTES, &property, 0));
    code = code_of(code, aclrtMapMem(place + BYTES, BYTES, 0, memory, 0));
    code = code_of(code, aclrtMemSetAccess(place + BYTES, BYTES, &access, 1));
    if (code == ACL_SUCCESS)
        code = aclrtMemset(place + BYTES, BYTES, 1, BYTES);
    aclrtUnmapMem(place + BYTES);
    aclrtFreePhysical(memory);
    aclrtReleaseMemAddress(place);
    return code;
}

static int sharing(struct caller *c)
{
    char key[65];
    void *same = NULL;
    void *memory = NULL;
    size_t bytes = 1 + draw(c, 2 * BLOCK);
    int code = aclrtMalloc(&memory, bytes, ACL_MEM_MALLOC_HUGE_FIRST);

    code = code_of(code, aclrtIpcMemGetExportKey(memory, bytes, key, sizeof key, 0));
    if (code == ACL_SUCCESS)
        code = code_of(aclrtIpcMemImportByKey(&same, key, 0), aclrtMemset(same, bytes, 1, bytes));
    if (memory && draw(c, 2))
        aclrtFree(memory);
    if (same)
        aclrtIpcMemClose(key);
    aclrtFree(memory);
    return code;
}

static int timing(struct caller *c)
{
    aclrtEvent start = NULL;
    aclrtEvent end = NULL;
    aclrtStream stream = NULL;
    void *block = c->blocks[draw(c, BLOCKS)];
    float milliseconds = 0;
    int code = code_of(aclrtCreateEventWithFlag(&start, ACL_EVENT_TIME_LINE), aclrtCreateStream(&stream));

    code = code_of(code, aclrtCreateEventWithFlag(&end, ACL_EVENT_TIME_LINE));
    code = code_of(code, aclrtRecordEvent(start, stream));
    code = code_of(code, aclrtMemsetAsync(block, BLOCK, 1, BLOCK, stream));
    code = code_of(code, aclrtRecordEvent(end, stream));
    code = code_of(code, aclrtSynchronizeEventWithTimeout(end, 1000));
    code = code_of(code, aclrtEventElapsedTime(&milliseconds, start, end));
    aclrtDestroyEvent(start);
    aclrtDestroyEvent(end);
    aclrtDestroyStreamForce(stream);
    return code;
}

static void *allocate(aclrtAllocator allocator, size_t size)
{
    return size ? allocator : NULL;
}
static void *advise(aclrtAllocator allocator, size_t size, aclrtAllocatorAddr address)
{
    return address ? allocate(allocator, size) : NULL;
}
static void release(aclrtAllocator allocator, aclrtAllocatorBlock block)
{
    (void)allocator;
    (void)block;
}
static void *address_of(aclrtAllocatorBlock block)
{
    return block;
}

static int allocator(struct caller *c)
{
    aclrtAllocatorDesc made = aclrtAllocatorCreateDesc();
    aclrtStream stream = NULL;
    int code = code_of(aclrtCreateStream(&stream), aclrtAllocatorSetObjToDesc(made, c));

    code = code_of(code, aclrtAllocatorSetAllocFuncToDesc(made, allocate));
    code = code_of(code, aclrtAllocatorSetFreeFuncToDesc(made, release));
    code = code_of(code, aclrtAllocatorSetAllocAdviseFuncToDesc(made, advise));
    code = code_of(code, aclrtAllocatorSetGetAddrFromBlockFuncToDesc(made, address_of));
    code = code_of(code, aclrtAllocatorRegister(stream, made));
    if (draw(c, 2))
        code = code_of(code, aclrtAllocatorUnregister(stream));
    aclrtAllocatorDestroyDesc(made);
    aclrtDestroyStreamForce(stream);
    return code;
}

static int groups(struct caller *c)
{
    aclrtGroupInfo *info = aclrtCreateGroupInfo();
    aclrtStreamConfigHandle *config = aclrtCreateStreamConfigHandle();
    aclrtStream stream = NULL;
    uint32_t priority = (uint32_t)draw(c, 8);
    int code = aclrtSetStreamConfigOpt(config, ACL_RT_STREAM_PRIORITY, &priority, sizeof priority);

    code = code_of(code, aclrtCreateStreamV2(&stream, config));
    aclrtGetAllGroupInfo(info);
    aclrtDestroyStreamForce(stream);
    aclrtDestroyStreamConfigHandle(config);
    aclrtDestroyGroupInfo(info);
    return code;
}

int (*const programs[])(struct caller *) = {model, model, pool, mapping, sharing, timing, allocator, groups};
const int program_count = sizeof programs / sizeof *programs;
