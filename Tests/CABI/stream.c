/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, events and callbacks; ends with work still queued. */
#include "check.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *first;
static char *second;
static aclrtStream stream;

static void order(void)
{
    aclrtEvent begin = NULL;
    aclrtEvent end = NULL;
    aclrtStreamStatus status;
    float milliseconds = -1;
    int i;

    CHECK(aclrtCreateEvent(&begin), 0);
    CHECK(aclrtCreateEvent(&end), 0);
    CHECK(aclrtEventElapsedTime(&milliseconds, begin, end), 507000);
    CHECK(aclrtRecordEvent(begin, stream), 0);
    for (i = 0; i < 50; i++) {
        CHECK(aclrtMemsetAsync(first, 100000, i, 100000, stream), 0);
        CHECK(aclrtMemcpyAsync(second, 100000, first, 100000, ACL_MEMCPY_DEVICE_TO_DEVICE, stream), 0);
    }
    CHECK(aclrtRecordEvent(end, stream), 0);
    CHECK(aclrtSynchronizeEvent(end), 0);
    CHECK(aclrtStreamQuery(stream, &status), 0);
    CHECK(second[99999], 49);
    CHECK(aclrtEventElapsedTime(&milliseconds, begin, end), 0);
    CHECK(milliseconds > 0, 1);
    CHECK(aclrtEventElapsedTime(&milliseconds, end, begin), 107007);
    CHECK(told("exchange them"), 1);
    CHECK(milliseconds > 0, 1);
    CHECK(aclrtDestroyEvent(begin), 0);
    CHECK(aclrtDestroyEvent(begin), 107017);
    CHECK(aclrtDestroyEvent(stream), 107017);
    CHECK(told("kind stream, not event"), 1);
    CHECK(aclrtDestroyEvent(end), 0);
}

/* Programs give the flags in 64 bits, as the configuration keeps them, or in 32, as the other functions take them. */
static void configured(void)
{
    aclrtStreamConfigHandle *handle = aclrtCreateStreamConfigHandle();
    aclrtStream special = NULL;
    uint32_t small = ACL_STREAM_PERSISTENT;
    uint64_t large = 0;
    uint32_t priority = 3;
    uint32_t value = 0;

    CHECK(aclrtSetStreamConfigOpt(handle, ACL_RT_STREAM_FLAG, &large, sizeof large), 0);
    CHECK(aclrtSetStreamConfigOpt(handle, ACL_RT_STREAM_FLAG, &small, 2), 100000);
    CHECK(told("8 or 4"), 1);
    CHECK(aclrtSetStreamConfigOpt(handle, ACL_RT_STREAM_FLAG, &small, sizeof small), 0);
    CHECK(handle->flag, ACL_STREAM_PERSISTENT);
    CHECK(aclrtSetStreamConfigOpt(handle, ACL_RT_STREAM_PRIORITY, &priority, sizeof priority), 0);
    CHECK(aclrtCreateStreamV2(&special, handle), 0);
    CHECK(aclrtStreamGetFlags(special, &value), 0);
    CHECK(value, ACL_STREAM_PERSISTENT);
    CHECK(aclrtStreamGetPriority(special, &value), 0);
    CHECK(value, 3);
    CHECK(aclrtDestroyStream(special), 0);
    CHECK(aclrtDestroyStreamConfigHandle(handle), 0);
}

static void flags(void)
{
    aclrtEvent event = NULL;
    aclrtEventRecordedStatus recorded;
    aclrtEventStatus status;
    uint32_t value = 9;
    aclrtStream special = NULL;

    CHECK(aclrtCreateEventWithFlag(&event, 0), 107000);
    CHECK(aclrtCreateEventWithFlag(&event, 0x40), 107000);
    CHECK(aclrtCreateEventWithFlag(&event, 0x11), 107000);
    CHECK(aclrtCreateEventExWithFlag(&event, 0x10), 107000);
    CHECK(aclrtCreateEventExWithFlag(&event, 0x40), 207000);
    CHECK(aclrtCreateEventExWithFlag(&event, ACL_EVENT_SYNC), 0);
    CHECK(aclrtQueryEventStatus(event, &recorded), 0);
    CHECK(recorded, ACL_EVENT_RECORDED_STATUS_COMPLETE);
    CHECK(aclrtQueryEvent(event, &status), 207000);
    CHECK(aclrtResetEvent(event, stream), 207000);
    CHECK(aclrtStreamWaitEvent(stream, event), 0);
    CHECK(aclrtDestroyEvent(event), 0);
    CHECK(aclrtCreateEvent(&event), 0);
    CHECK(aclrtStreamWaitEvent(stream, event), 107000);
    CHECK(aclrtStreamWaitEventWithTimeout(stream, NULL, 1), 107000);
    CHECK(aclrtStreamWaitEventWithTimeout(stream, event, -1), 107000);
    CHECK(aclrtSynchronizeEvent(event), 0);
    CHECK(aclrtSynchronizeEventWithTimeout(NULL, -2), 107000);
    CHECK(aclrtSynchronizeEventWithTimeout(NULL, 0), 100000);
    CHECK(aclrtDestroyEvent(event), 0);
    CHECK(aclrtCreateStreamWithConfig(&special, 0x80000001U, ACL_STREAM_PERSISTENT), 0);
    CHECK(aclrtStreamGetPriority(special, &value), 0);
    CHECK(value, 0);
    CHECK(aclrtStreamGetFlags(special, &value), 0);
    CHECK(value, ACL_STREAM_PERSISTENT);
    CHECK(aclrtDestroyStreamForce(special), 0);
    CHECK(aclrtCreateStreamWithConfig(&special, 100, 0), 0);
    CHECK(aclrtStreamGetPriority(special, &value), 0);
    CHECK(value, 7);
    CHECK(aclrtDestroyStream(special), 0);
    CHECK(aclrtDestroyStream(special), 107017);
    configured();
    CHECK(aclrtDestroyStream(NULL), 100000);
    CHECK(aclrtSynchronizeStream(&value), 107017);
}

static void rest(void *microseconds)
{
    usleep(*(useconds_t *)microseconds);
}

/* Programs reset their events before each round: the reset is behind in the stream when the next record is made. */
static void resetBetweenRecords(void)
{
    aclrtEvent begin = NULL;
    aclrtEvent end = NULL;
    aclrtStream busy = NULL;
    useconds_t pause = 20000;
    float milliseconds = -1;
    int i;

    CHECK(aclrtCreateStream(&busy), 0);
    CHECK(aclrtCreateEvent(&begin), 0);
    CHECK(aclrtCreateEvent(&end), 0);
    for (i = 0; i < 2; i++) {
        CHECK(aclrtLaunchHostFunc(busy, rest, &pause), 0);
        CHECK(aclrtResetEvent(begin, busy), 0);
        CHECK(aclrtResetEvent(end, busy), 0);
        CHECK(aclrtRecordEvent(begin, busy), 0);
        CHECK(aclrtLaunchHostFunc(busy, rest, &pause), 0);
        CHECK(aclrtRecordEvent(end, busy), 0);
        CHECK(aclrtSynchronizeStream(busy), 0);
        CHECK(aclrtEventElapsedTime(&milliseconds, begin, end), 0);
        CHECK(milliseconds >= 20, 1);
    }
    CHECK(aclrtResetEvent(end, busy), 0);
    CHECK(aclrtSynchronizeStream(busy), 0);
    CHECK(aclrtEventElapsedTime(&milliseconds, begin, end), 507000);
    CHECK(aclrtDestroyEvent(begin), 0);
    CHECK(aclrtDestroyEvent(end), 0);
    CHECK(aclrtDestroyStream(busy), 0);
}

static int called;

static void count(void *by)
{
    called += *(int *)by;
}

static aclError waited;

/* A callback that the stream waits for must not wait for the stream. */
static void waitForOwnStream(void *unused)
{
    (void)unused;
    CHECK(aclrtSetDevice(0), 0);
    waited = aclrtSynchronizeStream(stream);
    CHECK(aclrtResetDevice(0), 107000);
}

static int stopped;

static void *reporter(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&stopped, __ATOMIC_ACQUIRE)) {
        aclError code = aclrtProcessReport(20);

        if (code != 0 && code != 507012 && code != 107012) {
            CHECK(code, 0);
        }
    }
    return NULL;
}

static void callbacks(void)
{
    pthread_t thread;
    int one = 1;
    int i;

    CHECK(aclrtProcessReport(0), 100000);
    CHECK(aclrtProcessReport(10), 107012);
    CHECK(aclrtLaunchCallback(NULL, NULL, ACL_CALLBACK_BLOCK, stream), 107000);
    CHECK(aclrtLaunchCallback(count, &one, (aclrtCallbackBlockType)2, stream), 100000);
    CHECK(aclrtLaunchCallback(count, &one, ACL_CALLBACK_BLOCK, stream), 107015);
    CHECK(pthread_create(&thread, NULL, reporter, NULL), 0);
    CHECK(aclrtSubscribeReport((uint64_t)thread, stream), 0);
    CHECK(aclrtSubscribeReport((uint64_t)thread, stream), 107011);
    CHECK(aclrtLaunchHostFunc(stream, count, &one), 107011);
    for (i = 0; i < 100; i++) {
        CHECK(aclrtLaunchCallback(count, &one, ACL_CALLBACK_BLOCK, stream), 0);
    }
    CHECK(aclrtSynchronizeStream(stream), 0);
    CHECK(called, 100);
    CHECK(aclrtLaunchCallback(waitForOwnStream, NULL, ACL_CALLBACK_BLOCK, stream), 0);
    CHECK(aclrtSynchronizeStream(stream), 0);
    CHECK(waited, 107000);
    CHECK(aclrtUnSubscribeReport(1, stream), 107012);
    CHECK(aclrtUnSubscribeReport((uint64_t)thread, stream), 0);
    CHECK(aclrtUnSubscribeReport((uint64_t)thread, stream), 107011);
    __atomic_store_n(&stopped, 1, __ATOMIC_RELEASE);
    CHECK(pthread_join(thread, NULL), 0);
    CHECK(aclrtLaunchHostFunc(stream, NULL, NULL), 107000);
    CHECK(aclrtLaunchHostFunc(stream, count, &one), 0);
    CHECK(aclrtSynchronizeStream(stream), 0);
    CHECK(called, 101);
    waited = 0;
    CHECK(aclrtLaunchHostFunc(stream, waitForOwnStream, NULL), 0);
    CHECK(aclrtSynchronizeStream(stream), 0);
    CHECK(waited, 107000);
    CHECK(aclrtSubscribeReport(1, stream), 107011);
}

static int reported;

static void failed(aclrtExceptionInfo *info)
{
    reported = (int)aclrtGetErrorCodeFromExceptionInfo(info);
}

static void failuresOfTasks(void)
{
    void *gone = NULL;
    uint64_t *flag = NULL;
    aclrtStream other = NULL;
    int one = 1;

    CHECK(aclrtExceptionInfoCallbackRegister(failed), 0);
    CHECK(aclrtMalloc(&gone, 1000, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtMalloc((void **)&flag, 64, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtMemset(flag, 64, 0, 64), 0);
    /* The stream waits for a value, so that the memory is freed before the task reaches it. */
    CHECK(aclrtCreateStream(&other), 0);
    CHECK(aclrtValueWait(flag, 3, ACL_STREAM_WAIT_VALUE_EQ, other), 0);
    CHECK(aclrtMemsetAsync(gone, 1000, 1, 1000, other), 0);
    CHECK(aclrtSynchronizeStreamWithTimeout(other, 30), 507046);
    CHECK(aclrtSynchronizeStreamWithTimeout(other, 0), 107000);
    CHECK(aclrtFree(gone), 0);
    CHECK(aclrtValueWrite(flag, 3, 0, stream), 0);
    CHECK(aclrtSynchronizeStream(other), 107000);
    CHECK(aclrtSynchronizeStream(other), 0);
    CHECK(reported, 107000);
    CHECK(aclrtExceptionInfoCallbackUnregister(failed), 0);
    CHECK(aclrtGetTaskIdFromExceptionInfo(NULL), 0xFFFFFFFFU);
    /* Force does not wait. */
    CHECK(aclrtValueWait(flag, 4, ACL_STREAM_WAIT_VALUE_EQ, other), 0);
    CHECK(aclrtLaunchHostFunc(other, count, &one), 0);
    CHECK(aclrtDestroyStreamForce(other), 0);
    CHECK(aclrtFree(flag), 0);
}

static void forked(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        failures = 0;
        CHECK(aclrtMemsetAsync(first, 100, 77, 100, stream), 0);
        CHECK(aclrtSynchronizeStream(stream), 0);
        CHECK(first[99], 77);
        CHECK(aclrtSetDevice(0), 0);
        _exit(failures != 0);
    }
    CHECK(waitpid(child, &status, 0), child);
    CHECK(status, 0);
}

int main(void)
{
    int i;

    CHECK(aclrtSetDevice(0), 0);
    CHECK(aclrtMalloc((void **)&first, 100000, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtMalloc((void **)&second, 100000, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtCreateStream(&stream), 0);
    order();
    flags();
    resetBetweenRecords();
    failuresOfTasks();
    forked();
    callbacks();
    for (i = 0; i < 2000; i++) {
        CHECK(aclrtMemsetAsync(first, 100000, i, 100000, stream), 0);
    }
    return result();
}
