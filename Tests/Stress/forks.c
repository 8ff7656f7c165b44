// SPDX-License-Identifier: Apache-2.0
// Children forked while other threads call the library: each uses all of it afresh.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

enum { PATIENCE = 120, BYTE = 7, DONE = 0, FAILED = 3 };

// What the model computes from zeroes, found out before the threads start.
static unsigned char expected[BLOCK];

#define GOOD(call)                                                                                                     \
    do {                                                                                                               \
        int code_ = (call);                                                                                            \
        if (code_ != ACL_SUCCESS) {                                                                                    \
            const char *text_ = aclGetRecentErrMsg();                                                                  \
            fprintf(stderr, "line %d: %s answers %d: %s\n", __LINE__, #call, code_, text_ ? text_ : "");               \
            return FAILED;                                                                                             \
        }                                                                                                              \
    } while (0)

static aclmdlDataset *dataset(void *memory)
{
    aclmdlDataset *made = aclmdlCreateDataset();

    aclmdlAddDatasetBuffer(made, aclCreateDataBuffer(memory, BLOCK));
    return made;
}

static void give_up(aclmdlDataset *set)
{
    aclDestroyDataBuffer(aclmdlGetDatasetBuffer(set, 0));
    aclmdlDestroyDataset(set);
}

// ThreadSanitizer cannot start threads in a child of a process that has several, and a stream is one.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STARTS_THREADS 0
#endif
#endif
#ifndef STARTS_THREADS
#define STARTS_THREADS 1
#endif

// Executes once at once and once on a stream, which leave the same in `result`.
static int execute(unsigned char *result)
{
    uint32_t id = 0, again = 0;
    aclrtStream stream = NULL;
    void *input = NULL;
    void *output = NULL;

    GOOD(aclrtMalloc(&input, BLOCK, ACL_MEM_MALLOC_HUGE_FIRST));
    GOOD(aclrtMalloc(&output, BLOCK, ACL_MEM_MALLOC_HUGE_FIRST));
    GOOD(aclrtMemset(input, BLOCK, 0, BLOCK));
    GOOD(aclrtMemset(output, BLOCK, 0, BLOCK));
    aclmdlDataset *from = dataset(input);
    aclmdlDataset *to = dataset(output);
    GOOD(aclmdlLoadFromMem(model_bytes(), model_length(), &id));
    GOOD(aclmdlExecute(id, from, to));
    memcpy(result, output, BLOCK);
    GOOD(aclrtMemset(output, BLOCK, 0, BLOCK));
    GOOD(aclmdlLoadFromMem(model_bytes(), model_length(), &again));
    if (STARTS_THREADS) {
        GOOD(aclrtCreateStream(&stream));
        GOOD(aclmdlExecuteAsync(again, from, to, stream));
        GOOD(aclrtSynchronizeStream(stream));
        GOOD(aclrtDestroyStream(stream));
    } else {
        GOOD(aclmdlExecute(again, from, to));
    }
    if (memcmp(result, output, BLOCK)) {
        fprintf(stderr, "two executions differ\n");
        return FAILED;
    }
    GOOD(aclmdlUnload(again));
    GOOD(aclmdlUnload(id));
    give_up(from);
    give_up(to);
    GOOD(aclrtFree(input));
    GOOD(aclrtFree(output));
    return DONE;
}

static int streams(void)
{
    aclrtStream first = NULL;
    aclrtStream second = NULL;
    aclrtEvent event = NULL;
    aclrtNotify notify = NULL;
    unsigned char *memory = NULL;

    GOOD(aclrtCreateStream(&first));
    GOOD(aclrtCreateStream(&second));
    GOOD(aclrtCreateEventWithFlag(&event, ACL_EVENT_SYNC));
    GOOD(aclrtCreateNotify(&notify, 0));
    GOOD(aclrtMalloc((void **)&memory, BLOCK, ACL_MEM_MALLOC_NORMAL_ONLY));
    GOOD(aclrtWaitAndResetNotify(notify, first, 0));
    GOOD(aclrtStreamWaitEvent(first, event));
    GOOD(aclrtMemsetAsync(memory, BLOCK, BYTE, BLOCK, first));
    GOOD(aclrtRecordEvent(event, second));
    GOOD(aclrtRecordNotify(notify, second));
    GOOD(aclrtSynchronizeStream(first));
    for (int index = 0; index < BLOCK; index++) {
        if (memory[index] != BYTE) {
            fprintf(stderr, "byte %d is %d\n", index, memory[index]);
            return FAILED;
        }
    }
    GOOD(aclrtDestroyEvent(event));
    GOOD(aclrtDestroyNotify(notify));
    GOOD(aclrtDestroyStream(second));
    GOOD(aclrtDestroyStream(first));
    GOOD(aclrtFree(memory));
    return DONE;
}

static aclrtContext context;
static atomic_int is_over;

static void *report(void *unused)
{
    aclrtSetCurrentContext(context);
    while (!atomic_load(&is_over))
        aclrtProcessReport(20);
    return unused;
}

static void count(void *counter)
{
    ++*(int *)counter;
}

static int callbacks(void)
{
    enum { CALLS = 3 };
    aclrtStream stream = NULL;
    pthread_t thread;
    int calls = 0;

    GOOD(aclrtCreateStream(&stream));
    GOOD(pthread_create(&thread, NULL, report, NULL));
    GOOD(aclrtSubscribeReport((uint64_t)thread, stream));
    for (int call = 0; call < CALLS; call++)
        GOOD(aclrtLaunchCallback(count, &calls, ACL_CALLBACK_BLOCK, stream));
    GOOD(aclrtSynchronizeStream(stream));
    GOOD(aclrtUnSubscribeReport((uint64_t)thread, stream));
    atomic_store(&is_over, 1);
    pthread_join(thread, NULL);
    GOOD(aclrtDestroyStream(stream));
    return calls == CALLS ? DONE : FAILED;
}

static int handles(void)
{
    aclmdlConfigHandle *config = aclmdlCreateConfigHandle();
    aclrtAllocatorDesc allocator = aclrtAllocatorCreateDesc();
    aclrtBinary binary = aclrtCreateBinary(model_bytes(), 64);
    aclmdlDesc *desc = aclmdlCreateDesc();
    int64_t size = 1;
    aclTensorDesc *tensor = aclCreateTensorDesc(ACL_FLOAT, 1, &size, ACL_FORMAT_ND);

    GOOD(aclmdlDestroyConfigHandle(config));
    GOOD(aclrtAllocatorDestroyDesc(allocator));
    GOOD(aclrtDestroyBinary(binary));
    GOOD(aclmdlDestroyDesc(desc));
    aclDestroyTensorDesc(tensor);
    return DONE;
}

// Everything the library has, in a context of its own, for the parent's may be full of what its threads have left.
static int use_everything(void)
{
    static unsigned char result[BLOCK];

    GOOD(aclrtSetDevice(0));
    GOOD(aclrtCreateContext(&context, 0));
    if (handles() || (STARTS_THREADS && (streams() || callbacks())) || execute(result))
        return FAILED;
    if (memcmp(result, expected, BLOCK)) {
        fprintf(stderr, "the child computes something else than its parent\n");
        return FAILED;
    }
    GOOD(aclrtDestroyContext(context));
    return DONE;
}

int prepare_children(void)
{
    GOOD(aclrtSetDevice(0));
    return execute(expected);
}

int fork_children(int forks, struct caller *c)
{
    int problems = 0;

    for (int done = 0; done < forks; done++) {
        int status = 0;

        usleep((useconds_t)draw(c, 2000));
        pid_t process = fork();
        if (process == 0) {
            alarm(PATIENCE);
            _exit(use_everything());
        }
        if (process < 0 || waitpid(process, &status, 0) != process || status != 0) {
            int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

            fprintf(stderr, "fork %d: %s (status %d)\n", done, signal == SIGALRM ? "the child hung" : "bad", status);
            problems++;
        }
    }
    return problems;
}
