/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of all kinds, on a device of one gigabyte. */
#include "check.h"
#include "acl/acl_rt_memory_soma.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void sizes(void)
{
    void *memory = NULL;
    void *base = NULL;
    size_t size = 0;
    size_t freeBytes = 0;
    size_t total = 0;

    CHECK(aclrtMalloc(NULL, 1, ACL_MEM_MALLOC_HUGE_FIRST), 100000);
    CHECK(aclrtMalloc(&memory, 0, ACL_MEM_MALLOC_HUGE_FIRST), 100000);
    CHECK(aclrtMalloc(&memory, SIZE_MAX - 10, ACL_MEM_MALLOC_HUGE_FIRST), 100000);
    CHECK(aclrtMalloc(&memory, SIZE_MAX / 2, ACL_MEM_MALLOC_HUGE_FIRST), 207001);
    CHECK(aclrtMalloc(&memory, (size_t)2 << 30, ACL_MEM_MALLOC_HUGE_FIRST), 207001);
    CHECK(told("do not fit"), 1);
    CHECK(aclrtMalloc(&memory, 100, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK((size_t)memory % 512, 0);
    CHECK(aclrtMemGetAddressRange((char *)memory + 50, &base, &size), 0);
    CHECK(base == memory, 1);
    CHECK(size, 160);
    CHECK(aclrtGetMemInfo(ACL_HBM_MEM, &freeBytes, &total), 0);
    CHECK(total, (size_t)1 << 30);
    CHECK(freeBytes, total - 160);
    CHECK(aclrtGetMemInfo((aclrtMemAttr)18, &freeBytes, &total), 107016);
    CHECK(aclrtFree((char *)memory + 32), 107000);
    CHECK(aclrtFreeHost(memory), 107000);
    CHECK(aclrtFree(memory), 0);
    CHECK(aclrtFree(memory), 107000);
    CHECK(aclrtFree(&memory), 107000);
    CHECK(aclrtFree(NULL), 100000);
    CHECK(aclrtMallocAlign32(&memory, 100, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtMemGetAddressRange(memory, NULL, &size), 0);
    CHECK(size, 128);
    CHECK(aclrtMemGetAddressRange(memory, NULL, NULL), 107000);
    CHECK(aclrtFreeWithDevSync(memory), 0);
    CHECK(aclrtMallocHost(&memory, 0), 100000);
    CHECK(aclrtMallocHost(&memory, 5000), 0);
    CHECK(aclrtFree(memory), 107000);
    CHECK(aclrtFreeHost(memory), 0);
}

static void copies(void)
{
    char host[256];
    char back[256];
    char *device = NULL;
    char *guard = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int i;

    for (i = 0; i < 256; i++) {
        host[i] = (char)(i * 7);
    }
    CHECK(aclrtMalloc((void **)&device, 256, ACL_MEM_MALLOC_NORMAL_ONLY), 0);
    /* Nothing is looked at when nothing is copied. */
    CHECK(aclrtMemcpy(NULL, 0, NULL, 0, (aclrtMemcpyKind)99), 0);
    CHECK(aclrtMemcpy(NULL, 256, host, 256, ACL_MEMCPY_HOST_TO_DEVICE), 100000);
    CHECK(aclrtMemcpy(device, 256, NULL, 256, ACL_MEMCPY_HOST_TO_DEVICE), 100000);
    CHECK(aclrtMemcpy(device, 256, host, 256, ACL_MEMCPY_INNER_DEVICE_TO_DEVICE), 100000);
    CHECK(aclrtMemcpy(device, 0, host, 256, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    CHECK(aclrtMemcpy(device, 255, host, 256, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    CHECK(aclrtMemcpy(device, 256, host, 256, ACL_MEMCPY_HOST_TO_DEVICE), 0);
    /* The kind is not compared with the addresses. */
    CHECK(aclrtMemcpy(back, 256, device, 256, ACL_MEMCPY_DEVICE_TO_DEVICE), 0);
    CHECK(memcmp(host, back, 256), 0);
    CHECK(aclrtMemcpy(device + 128, 4096, guard, 4096, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    CHECK(told("128 bytes into a block of 256 bytes"), 1);
    CHECK(aclrtMemcpy(device, 256, (void *)8, 256, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    CHECK(aclrtMemcpy(device, SIZE_MAX, host, SIZE_MAX, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    CHECK(munmap(guard, 4096), 0);
    CHECK(aclrtMemcpy(device, 256, guard, 256, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    CHECK(told("not mapped"), 1);
    CHECK(aclrtMemset(device, 256, 0x1234, 256), 0);
    CHECK(device[255], 0x34);
    CHECK(aclrtMemset(device, 255, 0, 256), 107000);
    CHECK(aclrtMemset(NULL, 0, 0, 0), 0);
    CHECK(aclrtMemset(NULL, 1, 0, 1), 100000);
    CHECK(aclrtMemsetD32(device + 1, 256, 1, 4), 100000);
    CHECK(aclrtMemsetD32(device, 15, 1, 4), 100000);
    CHECK(aclrtMemsetD32(host, 256, 1, 4), 100000);
    CHECK(aclrtMemsetD32(device, 256, 0xAABBCCDD, 64), 0);
    CHECK((unsigned char)device[252], 0xDD);
    CHECK(aclrtFree(device), 0);
}

static void rectangles(void)
{
    char host[64];
    char *device = NULL;
    int row;

    memset(host, 1, sizeof host);
    CHECK(aclrtMalloc((void **)&device, 64, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtMemset(device, 64, 0, 64), 0);
    CHECK(aclrtMemcpy2d(device, 8, host, 16, 9, 4, ACL_MEMCPY_HOST_TO_DEVICE), 100000);
    CHECK(aclrtMemcpy2d(device, 8, host, 16, 4, 4, ACL_MEMCPY_HOST_TO_HOST), 100000);
    CHECK(aclrtMemcpy2d(device, 8, device, 16, 4, 4, ACL_MEMCPY_DEVICE_TO_DEVICE), 207000);
    CHECK(aclrtMemcpy2d(host, 8, host, 16, 4, 4, ACL_MEMCPY_DEFAULT), 107000);
    CHECK(aclrtMemcpy2d(device, 8, host, 16, 4, 4, ACL_MEMCPY_HOST_TO_DEVICE), 0);
    for (row = 0; row < 4; row++) {
        CHECK(device[row * 8 + 3], 1);
        CHECK(device[row * 8 + 4], 0);
    }
    CHECK(aclrtMemcpy2d(device, 32, host, 16, 4, 4, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
    CHECK(aclrtFree(device), 0);
}

static void pointers(void)
{
    aclrtPtrAttributes attributes;
    void *device = NULL;
    void *pinned = NULL;
    void *mapped = NULL;
    char *own = aligned_alloc(4096, 8192);

    CHECK(aclrtMalloc(&device, 64, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtMallocHost(&pinned, 64), 0);
    CHECK(aclrtPointerGetAttributes(device, &attributes), 0);
    CHECK(attributes.location.type, ACL_MEM_LOCATION_TYPE_DEVICE);
    CHECK(aclrtPointerGetAttributes(pinned, &attributes), 0);
    CHECK(attributes.location.type, ACL_MEM_LOCATION_TYPE_HOST);
    CHECK(aclrtPointerGetAttributes(own, &attributes), 0);
    CHECK(attributes.location.type, ACL_MEM_LOCATION_TYPE_UNREGISTERED);
    CHECK(aclrtHostRegister(own, 8192, ACL_HOST_REGISTER_MAPPED, &mapped), 0);
    CHECK(mapped == own, 1);
    CHECK(aclrtHostRegisterV2(own + 4096, 100, ACL_HOST_REG_PINNED), 507910);
    CHECK(aclrtPointerGetAttributes(own + 10, &attributes), 0);
    CHECK(attributes.location.type, ACL_MEM_LOCATION_TYPE_HOST);
    CHECK(aclrtHostGetDevicePointer(own + 10, &mapped, 0), 0);
    CHECK(mapped == own + 10, 1);
    CHECK(aclrtHostUnregister(own), 0);
    CHECK(aclrtHostUnregister(own), 507911);
    CHECK(aclrtFree(device), 0);
    CHECK(aclrtFreeHost(pinned), 0);
    free(own);
}

static void virtualMemory(void)
{
    aclrtPhysicalMemProp properties;
    aclrtDrvMemHandle handle = NULL;
    aclrtMemAccessDesc access;
    aclrtDrvMemHandle imported = NULL;
    uint64_t number = 0;
    size_t granularity = 0;
    char *place = NULL;
    char *twin = NULL;

    memset(&properties, 0, sizeof properties);
    memset(&access, 0, sizeof access);
    properties.memAttr = ACL_HBM_MEM_HUGE;
    properties.location.type = ACL_MEM_LOCATION_TYPE_DEVICE;
    CHECK(aclrtMemGetAllocationGranularity(&properties, ACL_RT_MEM_ALLOC_GRANULARITY_MINIMUM, &granularity), 0);
    CHECK(granularity, 2 << 20);
    CHECK(aclrtReserveMemAddress((void **)&place, 0, 0, NULL, 0), 100000);
    CHECK(aclrtReserveMemAddress((void **)&place, 8 << 20, 0, NULL, 1), 0);
    CHECK((size_t)place % (2 << 20), 0);
    CHECK(aclrtMemset(place, 10, 1, 10), 107000);
    CHECK(aclrtMallocPhysical(&handle, 2 << 20, NULL, 0), 100000);
    CHECK(aclrtMallocPhysical(&handle, 2 << 20, &properties, 0), 0);
    CHECK(aclrtMapMem(place, 4 << 20, 0, handle, 0), 107000);
    CHECK(aclrtMapMem(place + (2 << 20), 2 << 20, 0, handle, 0), 0);
    CHECK(aclrtMapMem(place + (2 << 20), 2 << 20, 0, handle, 0), 107000);
    CHECK(aclrtMemset(place + (2 << 20), 2 << 20, 7, 2 << 20), 0);
    CHECK(aclrtMemset(place + (3 << 20), 2 << 20, 7, 2 << 20), 107000);
    CHECK(aclrtMemExportToShareableHandle(handle, ACL_MEM_HANDLE_TYPE_NONE, 0, &number), 0);
    CHECK(aclrtMemImportFromShareableHandle(number, 0, &imported), 0);
    CHECK(aclrtReserveMemAddress((void **)&twin, 2 << 20, 0, NULL, 0), 0);
    CHECK(aclrtMapMem(twin, 2 << 20, 0, imported, 0), 0);
    CHECK(twin[12345], 7);
    access.flags = ACL_RT_MEM_ACCESS_FLAGS_NONE;
    CHECK(aclrtMemSetAccess(twin, 2 << 20, &access, 1), 0);
    CHECK(aclrtMemset(twin, 1, 1, 1), 107000);
    CHECK(aclrtReleaseMemAddress(place), 107000);
    CHECK(aclrtUnmapMem(place + (2 << 20)), 0);
    CHECK(aclrtUnmapMem(place + (2 << 20)), 107000);
    CHECK(aclrtUnmapMem(twin), 0);
    CHECK(aclrtFreePhysical(handle), 0);
    CHECK(aclrtFreePhysical(handle), 107000);
    CHECK(aclrtFreePhysical(imported), 0);
    CHECK(aclrtReleaseMemAddress(place), 0);
    CHECK(aclrtReleaseMemAddress(place), 107000);
    CHECK(aclrtReleaseMemAddress(twin), 0);
}

/* The child imports what the parent exports, changes it, and the parent sees the change; the blocks beside it are not
 * shared. */
static void sharing(size_t bytes)
{
    char key[65];
    char *before = NULL;
    char *memory = NULL;
    char *after = NULL;
    char *same = NULL;
    int status = 0;
    pid_t child;

    CHECK(aclrtMalloc((void **)&before, bytes, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtMalloc((void **)&memory, bytes, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtMalloc((void **)&after, bytes, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtMemset(before, bytes, 4, bytes), 0);
    CHECK(aclrtMemset(memory, bytes, 5, bytes), 0);
    CHECK(aclrtMemset(after, bytes, 4, bytes), 0);
    CHECK(aclrtIpcMemGetExportKey(memory, bytes, key, 10, 0), 107000);
    CHECK(aclrtIpcMemGetExportKey(memory, bytes, key, sizeof key, 0), 0);
    CHECK(memory[bytes - 1], 5);
    child = fork();
    if (child == 0) {
        failures = 0;
        CHECK(aclrtIpcMemClose(key), 0);
        CHECK(aclrtIpcMemImportByKey((void **)&same, key, 0), 0);
        CHECK(same != memory, 1);
        CHECK(same[bytes / 2], 5);
        CHECK(aclrtMemset(same, bytes, 6, bytes), 0);
        CHECK(aclrtMemset(before, bytes, 7, bytes), 0);
        CHECK(aclrtMemset(after, bytes, 7, bytes), 0);
        CHECK(aclrtIpcMemClose(key), 0);
        CHECK(aclrtIpcMemClose(key), 107000);
        _exit(failures != 0);
    }
    CHECK(waitpid(child, &status, 0), child);
    CHECK(status, 0);
    CHECK(memory[bytes / 2], 6);
    CHECK(before[bytes - 1], 4);
    CHECK(after[0], 4);
    CHECK(aclrtIpcMemImportByKey((void **)&same, "pyaclmdl:1:2:3:4", 0), 107000);
    CHECK(aclrtIpcMemClose(key), 0);
    CHECK(aclrtFree(before), 0);
    CHECK(aclrtFree(memory), 0);
    CHECK(aclrtFree(after), 0);
}

static void pools(void)
{
    aclrtMemPoolProps properties;
    aclrtMemPool pool = NULL;
    aclrtStream stream = NULL;
    void *memory = NULL;
    uint64_t used = 0;

    memset(&properties, 0, sizeof properties);
    properties.maxSize = 1 << 20;
    CHECK(aclrtMemPoolCreate(&pool, &properties), 100000);
    properties.location.type = ACL_MEM_LOCATION_TYPE_DEVICE;
    CHECK(aclrtMemPoolCreate(&pool, &properties), 0);
    CHECK(aclrtCreateStream(&stream), 0);
    CHECK(aclrtMemPoolMallocAsync(&memory, 1000, pool, NULL), 100000);
    CHECK(aclrtMemPoolMallocAsync(&memory, 0, pool, stream), 0);
    CHECK(memory == NULL, 1);
    CHECK(aclrtMemPoolMallocAsync(&memory, 2 << 20, pool, stream), 207001);
    CHECK(aclrtMemPoolMallocAsync(&memory, 1000, pool, stream), 0);
    CHECK(aclrtMemPoolGetAttr(pool, ACL_RT_MEM_POOL_ATTR_USED_MEM_CURRENT, &used), 0);
    CHECK(used, 1024);
    CHECK(aclrtMemPoolFreeAsync(memory, NULL), 507000);
    CHECK(aclrtMemPoolFreeAsync(memory, stream), 0);
    CHECK(aclrtSynchronizeStream(stream), 0);
    CHECK(aclrtMemPoolGetAttr(pool, ACL_RT_MEM_POOL_ATTR_USED_MEM_CURRENT, &used), 0);
    CHECK(used, 0);
    CHECK(aclrtMemPoolFreeAsync(memory, stream), 107000);
    CHECK(aclrtMemPoolDestroy(pool), 0);
    CHECK(aclrtMemPoolDestroy(pool), 107000);
    CHECK(aclrtDestroyStream(stream), 0);
}

static void buffers(void)
{
    aclDataBuffer *buffer = aclCreateDataBuffer(NULL, 0);
    aclrtMbuf shared = NULL;
    aclrtMbuf reference = NULL;
    void *data = NULL;
    size_t size = 0;
    char note[4] = "abc";

    CHECK(aclUpdateDataBuffer(buffer, note, ((size_t)1 << 32) + 5), 0);
    CHECK(aclGetDataBufferAddr(buffer) == note, 1);
    CHECK(aclGetDataBufferSize(buffer), 5);
    CHECK(aclGetDataBufferSizeV2(buffer), ((size_t)1 << 32) + 5);
    CHECK(aclDestroyDataBuffer(buffer), 0);
    CHECK(aclDestroyDataBuffer(buffer), 100000);
    CHECK(aclDestroyDataBuffer(NULL), 100000);
    CHECK(aclGetDataBufferAddr(NULL) == NULL, 1);
    CHECK(aclrtAllocBuf(&shared, 100), 0);
    CHECK(aclrtCopyBufRef(shared, &reference), 0);
    CHECK(aclrtSetBufUserData(shared, note, 4, 93), 100000);
    CHECK(aclrtSetBufUserData(shared, note, 4, 92), 0);
    CHECK(aclrtFreeBuf(shared), 0);
    CHECK(aclrtFreeBuf(shared), 107000);
    memset(note, 0, sizeof note);
    CHECK(aclrtGetBufUserData(reference, note, 3, 92), 0);
    CHECK(strcmp(note, "abc"), 0);
    CHECK(aclrtGetBufData(reference, &data, &size), 0);
    CHECK(size, 100);
    CHECK(aclrtFreeBuf(reference), 0);
}

int main(void)
{
    CHECK(aclInit(NULL), 0);
    CHECK(aclrtSetDevice(0), 0);
    sizes();
    copies();
    rectangles();
    pointers();
    virtualMemory();
    sharing(100000);
    sharing(4600);
    sharing(1);
    pools();
    buffers();
    CHECK(aclrtResetDevice(0), 0);
    CHECK(aclFinalize(), 0);
    return result();
}
