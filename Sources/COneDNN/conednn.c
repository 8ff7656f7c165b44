/* SPDX-License-Identifier: Apache-2.0 */
#include "conednn.h"

/* From the OpenMP runtime that oneDNN is linked with; weak, since other threading runtimes exist. */
extern void omp_set_num_threads(int count) __attribute__((weak));

void conednn_set_threads(int count) {
    if (omp_set_num_threads) omp_set_num_threads(count);
}
