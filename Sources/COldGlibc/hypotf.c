/* SPDX-License-Identifier: Apache-2.0 */
#include "COldGlibc.h"

#include <math.h>

/* Swift's module Glibc refers to every function of math.h, called or not, and hypotf got a new version in glibc 2.35:
 * with it, nothing that is linked with the module runs on 2.34. This one takes its place in the product, and nowhere
 * else. In double precision no square overflows, and the result is rounded once more only. */
__attribute__((visibility("hidden"))) float hypotf(float x, float y)
{
    if (isinf(x) || isinf(y)) {
        return INFINITY;
    }
    return (float)sqrt((double)x * x + (double)y * y);
}
