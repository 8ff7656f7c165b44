/* SPDX-License-Identifier: Apache-2.0 */
#include "conednn.h"

#include <pthread.h>

/* From the OpenMP runtime that oneDNN is linked with; weak, since other threading runtimes exist. GOMP_parallel is the
 * entry that GCC compiles `#pragma omp parallel` to; Intel's and LLVM's runtimes export it too. */
extern void omp_set_num_threads(int count) __attribute__((weak));
extern int omp_get_thread_num(void) __attribute__((weak));
extern int omp_get_num_threads(void) __attribute__((weak));
extern void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags) __attribute__((weak));

/* Of OpenMP 5.0. */
extern int omp_pause_resource_all(int kind) __attribute__((weak));

enum { PAUSE_SOFT = 1 };

/* A forked child has none of the parent's threads, and its first parallel region would wait for them for ever. The pool
 * of the thread that forks is given up before; the next parallel region makes another one on either side. */
static void give_up_pool(void)
{
    if (omp_pause_resource_all)
        omp_pause_resource_all(PAUSE_SOFT);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(give_up_pool, NULL, NULL);
}

void conednn_set_threads(int count)
{
    if (omp_set_num_threads)
        omp_set_num_threads(count);
}

struct region {
    void (*body)(int index, int count, void *context);
    void *context;
};

static void run_region(void *data)
{
    struct region *region = data;
    region->body(omp_get_thread_num(), omp_get_num_threads(), region->context);
}

void conednn_parallel(int threads, void (*body)(int index, int count, void *context), void *context)
{
    if (threads > 1 && GOMP_parallel && omp_get_thread_num && omp_get_num_threads) {
        struct region region = {body, context};
        GOMP_parallel(run_region, &region, (unsigned)threads, 0);
    } else {
        body(0, 1, context);
    }
}
