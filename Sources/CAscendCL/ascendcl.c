/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "shims.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LIMIT = 1024 };

aclError aclSetTensorShapeRange(aclTensorDesc *desc, size_t dimsCount, int64_t dimsRange[][ACL_TENSOR_SHAPE_RANGE_NUM])
{
    return pyaclmdlSetTensorShapeRange(desc, dimsCount, dimsRange == NULL ? NULL : &dimsRange[0][0]);
}

aclError aclSetTensorValueRange(
    aclTensorDesc *desc, size_t valueCount, int64_t valueRange[][ACL_TENSOR_VALUE_RANGE_NUM])
{
    return pyaclmdlSetTensorValueRange(desc, valueCount, valueRange == NULL ? NULL : &valueRange[0][0]);
}

ACL_FUNC_VISIBILITY void aclAppLogWithArgs(
    aclLogLevel logLevel, const char *func, const char *file, uint32_t line, const char *fmt, va_list args);

void aclAppLogWithArgs(
    aclLogLevel logLevel, const char *func, const char *file, uint32_t line, const char *fmt, va_list args)
{
    static const char mark[] = "...[truncated]";
    char text[LOG_LIMIT];
    int length;

    if (fmt == NULL || func == NULL || file == NULL) {
        return;
    }
    length = vsnprintf(text, sizeof text, fmt, args);
    if (length < 0) {
        return;
    }
    if ((size_t)length >= sizeof text) {
        memcpy(text + sizeof text - sizeof mark, mark, sizeof mark);
    }
    pyaclmdlWriteLog(logLevel, func, file, line, text);
}

void aclAppLog(aclLogLevel logLevel, const char *func, const char *file, uint32_t line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    aclAppLogWithArgs(logLevel, func, file, line, fmt, args);
    va_end(args);
}

int32_t pyaclmdlThreadNumber(void)
{
    return (int32_t)syscall(SYS_gettid);
}

int32_t pyaclmdlThreadExists(uint64_t thread)
{
    enum { KIND_BITS = 3 };
    clockid_t clock;

    /* The one question about any thread that only reads; the answer holds the system's number of the thread, inverted.
     */
    return pthread_getcpuclockid((pthread_t)thread, &clock) == 0 &&
           syscall(SYS_tgkill, getpid(), ~(clock >> KIND_BITS), 0) == 0;
}

int32_t pyaclmdlUsableProcessors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? (int32_t)CPU_COUNT(&set) : 1;
}

int32_t pyaclmdlCanTransfer(uintptr_t address, int32_t isWritten)
{
    enum { NO_ACTION = -1, SET_BYTES = 8 };
    int32_t other = 0;
    int32_t setNoBit = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_LT, 0);

    /* Looks at the set before it finds out that there is no such action. */
    if (syscall(SYS_rt_sigprocmask, NO_ACTION, address & ~(uintptr_t)(SET_BYTES - 1), NULL, SET_BYTES) != 0 &&
        errno == EFAULT) {
        return 0;
    }
    /* Atomic, so that a value that another process writes meanwhile is not lost. */
    return !isWritten ||
           syscall(SYS_futex, &other, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, NULL, address & ~(uintptr_t)3, setNoBit) >=
               0 ||
           errno != EFAULT;
}

int32_t pyaclmdlCreateMemoryFile(const char *name)
{
    return memfd_create(name, MFD_CLOEXEC);
}
