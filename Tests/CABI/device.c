/* SPDX-License-Identifier: Apache-2.0 */
/* Initialisation, devices and contexts, with four devices of which the second and the fourth are visible. */
#include "check.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static int events[8];
static int eventCount;

static void deviceEvent(int32_t device, aclrtDeviceState state, void *args)
{
    (void)args;
    if (device == 0 && eventCount < 8) {
        events[eventCount++] = (int)state;
    }
}

static int initCalls;

static aclError initialised(const char *text, size_t length, void *data)
{
    (void)text;
    initCalls += *(int *)data;
    return length == 0 ? ACL_SUCCESS : 1;
}

static void *newThread(void *context)
{
    int32_t device = -1;

    CHECK(aclrtGetDevice(&device), 107002);
    CHECK(aclrtSetCurrentContext(context), 0);
    CHECK(aclrtGetDevice(&device), 0);
    CHECK(device, 0);
    return NULL;
}

static void initialisation(void)
{
    uint64_t count = 99;
    int one = 1;

    /* The first finalisation needs no initialisation. */
    CHECK(aclFinalize(), 0);
    CHECK(aclFinalize(), 100037);
    CHECK(aclFinalizeReference(&count), 100037);
    CHECK(count, 0);
    CHECK(aclInitCallbackRegister(ACL_REG_TYPE_ACL_MODEL, NULL, NULL), 100000);
    CHECK(aclInitCallbackRegister(ACL_REG_TYPE_ACL_MODEL, initialised, &one), 0);
    CHECK(aclInitCallbackRegister(ACL_REG_TYPE_ACL_MODEL, initialised, &one), 500000);
    CHECK(aclInit("/no/such/file.json"), 100003);
    CHECK(told("The path /no/such/file.json is invalid"), 1);
    CHECK(aclInit(NULL), 0);
    CHECK(initCalls, 1);
    CHECK(aclInit("ignored"), 100002);
    CHECK(aclFinalizeReference(&count), 0);
    CHECK(count, 1);
    CHECK(aclFinalizeReference(NULL), 0);
    CHECK(aclFinalize(), 100037);
    CHECK(aclInit(""), 0);
    CHECK(aclInitCallbackUnRegister(ACL_REG_TYPE_ACL_MODEL, initialised), 0);
    CHECK(aclInitCallbackUnRegister(ACL_REG_TYPE_ACL_MODEL, initialised), 500000);
    CHECK(aclmdlSetDump("x"), 100045);
    CHECK(aclmdlInitDump(), 0);
    CHECK(aclmdlInitDump(), 100002);
    CHECK(aclmdlSetDump(NULL), 100000);
    CHECK(acldumpRegCallback(NULL, 0), 500001);
    CHECK(told("messageCallback is null"), 1);
    acldumpUnregCallback();
    CHECK(aclmdlSetDump("/no/such/file.json"), 100003);
    CHECK(aclmdlFinalizeDump(), 0);
    CHECK(aclmdlFinalizeDump(), 100045);
}

static void numbers(void)
{
    uint32_t count = 0;
    int32_t id = -1;
    char bus[16];

    CHECK(aclrtGetDeviceCount(NULL), 100000);
    CHECK(aclrtGetDeviceCount(&count), 0);
    CHECK(count, 2);
    CHECK(aclrtGetLogicDevIdByUserDevId(1, &id), 0);
    CHECK(id, 3);
    CHECK(aclrtGetUserDevIdByLogicDevId(1, &id), 0);
    CHECK(id, 0);
    CHECK(aclrtGetUserDevIdByLogicDevId(2, &id), 107001);
    CHECK(aclrtGetPhyDevIdByLogicDevId(-1, &id), 107000);
    CHECK(aclrtDeviceGetPCIBusId(1, bus, 12), 107000);
    CHECK(aclrtDeviceGetPCIBusId(1, bus, 13), 0);
    CHECK(strcmp(bus, "0000:04:00.0"), 0);
    CHECK(aclrtDeviceGetByPCIBusId(bus, &id), 0);
    CHECK(id, 1);
    CHECK(strcmp(aclrtGetSocName(), "Ascend910B3"), 0);
}

static void devices(void)
{
    int32_t id = -1;
    int32_t active = -1;
    void *memory = NULL;
    aclrtStream stream = NULL;

    CHECK(aclrtRegDeviceStateCallback(NULL, deviceEvent, NULL), 100000);
    CHECK(aclrtRegDeviceStateCallback("test", deviceEvent, NULL), 0);
    CHECK(aclrtRegDeviceStateCallback("test", deviceEvent, NULL), 107000);
    CHECK(aclrtGetDevice(NULL), 100000);
    CHECK(aclrtGetDevice(&id), 107002);
    CHECK(aclrtSetDevice(-1), 107001);
    CHECK(aclrtSetDevice(2), 107001);
    CHECK(told("Expected: 0 to 1"), 1);
    CHECK(aclrtResetDevice(0), 507007);
    CHECK(aclrtSetDevice(0), 0);
    CHECK(aclrtSetDevice(0), 0);
    CHECK(aclrtGetPrimaryCtxState(0, NULL, &active), 0);
    CHECK(active, 1);
    CHECK(aclrtMalloc(&memory, 1000, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtCreateStream(&stream), 0);
    CHECK(aclrtResetDevice(0), 0);
    CHECK(aclrtGetDevice(&id), 0);
    CHECK(aclrtMemset(memory, 1000, 1, 1000), 0);
    CHECK(aclrtResetDevice(0), 0);
    CHECK(aclrtGetDevice(&id), 107002);
    /* The last reset has released what the device held. */
    CHECK(aclrtFree(memory), 107000);
    CHECK(told("freed block of 1000 bytes"), 1);
    CHECK(aclrtResetDevice(0), 507007);
    CHECK(aclrtSetDevice(0), 0);
    CHECK(aclrtSynchronizeStream(stream), 107017);
    CHECK(aclrtSetDevice(0), 0);
    CHECK(aclrtResetDeviceForce(0), 0);
    CHECK(aclrtResetDeviceForce(0), 507007);
    CHECK(events[0], ACL_RT_DEVICE_STATE_RESET_PRE);
    CHECK(events[1], ACL_RT_DEVICE_STATE_SET_PRE);
    CHECK(events[2], ACL_RT_DEVICE_STATE_SET_POST);
    CHECK(aclrtRegDeviceStateCallback("test", NULL, NULL), 0);
    CHECK(aclrtRegDeviceStateCallback("never", NULL, NULL), 0);
}

static void contexts(void)
{
    aclrtContext first = NULL;
    aclrtContext second = NULL;
    aclrtContext current = NULL;
    aclrtStream stream = NULL;
    int32_t id = -1;
    int64_t value = -1;
    pthread_t thread;

    CHECK(aclrtGetCurrentContext(&current), 107002);
    CHECK(aclrtCreateContext(&first, 7), 107001);
    CHECK(aclrtCreateContext(&first, 0), 0);
    CHECK(aclrtCreateContext(&second, 1), 0);
    CHECK(aclrtGetDevice(&id), 0);
    CHECK(id, 1);
    CHECK(aclrtSetCurrentContext(NULL), 100000);
    CHECK(aclrtSetCurrentContext(&id), 107000);
    CHECK(aclrtSetCurrentContext(first), 0);
    CHECK(pthread_create(&thread, NULL, newThread, first), 0);
    CHECK(pthread_join(thread, NULL), 0);
    CHECK(aclrtCreateStream(&stream), 0);
    CHECK(aclrtSetCurrentContext(second), 0);
    CHECK(aclrtMemsetAsync(&id, 4, 0, 4, stream), 107003);
    CHECK(told("does not belong to the current context"), 1);
    CHECK(aclrtDestroyStream(stream), 107003);
    CHECK(aclrtSynchronizeStream(stream), 0);
    CHECK(aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value), 107021);
    CHECK(aclrtCtxSetSysParamOpt(ACL_OPT_DETERMINISTIC, 1), 0);
    CHECK(aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value), 0);
    CHECK(value, 1);
    CHECK(aclrtCtxSetSysParamOpt(ACL_OPT_ENABLE_KERNEL_EARLY_START, 1), 100000);
    CHECK(aclrtDestroyContext(second), 0);
    CHECK(aclrtDestroyContext(second), 107002);
    CHECK(aclrtSetCurrentContext(second), 107000);
    CHECK(aclrtGetDevice(&id), 107002);
    /* The default context belongs to the device. */
    CHECK(aclrtSetDevice(0), 0);
    CHECK(aclrtGetCurrentContext(&current), 0);
    CHECK(aclrtDestroyContext(current), 107002);
    CHECK(aclrtCtxGetCurrentDefaultStream(&stream), 0);
    CHECK(aclrtDestroyStream(stream), 107000);
    CHECK(aclrtResetDevice(0), 0);
    CHECK(aclrtSetCurrentContext(current), 107000);
    /* An explicit context keeps the device alive. */
    CHECK(aclrtSetCurrentContext(first), 0);
    CHECK(aclrtSynchronizeDevice(), 0);
    CHECK(aclrtSynchronizeDeviceWithTimeout(0), 107000);
    CHECK(aclrtSynchronizeDeviceWithTimeout(-1), 0);
    CHECK(aclrtDestroyContext(first), 0);
}

static void messages(void)
{
    while (aclGetRecentErrMsg() != NULL) {
    }
    CHECK(aclrtMalloc(NULL, 1, ACL_MEM_MALLOC_HUGE_FIRST), 100000);
    CHECK(told("EH0008"), 1);
    CHECK(aclGetRecentErrMsg() == NULL, 1);
    CHECK(aclrtResetDevice(1), 507007);
    CHECK(aclrtMalloc(NULL, 1, ACL_MEM_MALLOC_HUGE_FIRST), 100000);
    /* Codes of the AscendCL layer are not recorded, successes do not clear. */
    CHECK(aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL), 507007);
    CHECK(aclrtGetLastError(ACL_RT_THREAD_LEVEL), 507007);
    CHECK(aclrtGetLastError(ACL_RT_THREAD_LEVEL), 0);
}

int main(void)
{
    initialisation();
    numbers();
    devices();
    contexts();
    messages();
    CHECK(aclFinalize(), 0);
    return result();
}
