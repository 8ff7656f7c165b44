/* SPDX-License-Identifier: Apache-2.0 */
/* Forked children use the library from several threads at once. The parent has only loaded it, which is enough for the
 * language's runtime to remember the parent's thread. */
#include <pthread.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acl/acl.h"
#include "check.h"

enum { CHILDREN = 200, CALLS = 3, SECONDS = 20 };

static aclrtContext context;
static aclrtStream stream;
static pthread_barrier_t start;
static volatile int wanted = 1;

static void *report(void *unused)
{
    CHECK(aclrtSetCurrentContext(context), 0);
    pthread_barrier_wait(&start);
    while (wanted) {
        aclrtProcessReport(10);
    }
    return unused;
}

static void *meddle(void *unused)
{
    aclrtStream other;

    CHECK(aclrtSetCurrentContext(context), 0);
    pthread_barrier_wait(&start);
    CHECK(aclrtCreateStream(&other), 0);
    CHECK(aclrtProcessReport(10), ACL_ERROR_RT_THREAD_SUBSCRIBE);
    CHECK(aclrtDestroyStream(other), 0);
    return unused;
}

static void count(void *counter)
{
    (*(int *)counter)++;
}

static void child(void)
{
    pthread_t reporter, meddler;
    int calls = 0, i;

    alarm(SECONDS);
    pthread_barrier_init(&start, NULL, 3);
    CHECK(aclInit(NULL), 0);
    CHECK(aclrtSetDevice(0), 0);
    CHECK(aclrtCreateContext(&context, 0), 0);
    CHECK(aclrtCreateStream(&stream), 0);
    pthread_create(&reporter, NULL, report, NULL);
    pthread_create(&meddler, NULL, meddle, NULL);
    pthread_barrier_wait(&start);
    CHECK(aclrtSubscribeReport((uint64_t)reporter, stream), 0);
    for (i = 0; i < CALLS; i++) {
        CHECK(aclrtLaunchCallback(count, &calls, ACL_CALLBACK_BLOCK, stream), 0);
    }
    CHECK(aclrtSynchronizeStream(stream), 0);
    CHECK(calls, CALLS);
    wanted = 0;
    pthread_join(reporter, NULL);
    pthread_join(meddler, NULL);
    CHECK(aclrtUnSubscribeReport((uint64_t)reporter, stream), 0);
    CHECK(aclrtDestroyStream(stream), 0);
    CHECK(aclrtResetDevice(0), 0);
    CHECK(aclFinalize(), 0);
}

int main(void)
{
    int i;

    for (i = 0; i < CHILDREN; i++) {
        int status = 0;
        pid_t process = fork();

        if (process == 0) {
            child();
            _exit(failures != 0);
        }
        CHECK(waitpid(process, &status, 0), process);
        CHECK(status, 0);
        if (failures) {
            break;
        }
    }
    return result();
}
