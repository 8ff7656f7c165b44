/* SPDX-License-Identifier: Apache-2.0 */
#include "conednn.h"

/* From the OpenMP runtime that oneDNN is linked with; weak, since other threading runtimes exist. GOMP_parallel is the
 * entry that GCC compiles `#pragma omp parallel` to; Intel's and LLVM's runtimes export it too. */
extern void omp_set_num_threads(int count) __attribute__((weak));
extern int omp_get_thread_num(void) __attribute__((weak));
extern int omp_get_num_threads(void) __attribute__((weak));
extern void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags) __attribute__((weak));

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
