/* SPDX-License-Identifier: Apache-2.0 */
/* One function of each header; compiled as C11 and C++17 against a prefix, linked by each name of the library. */
#include <acl/acl.h>
#include <acl/acl_op.h>
#include <acl/ops/acl_cblas.h>
#include <acl/ops/acl_dvpp.h>
#include <aclnn/acl_meta.h>
#include <aclnn/aclnn_base.h>

#include <stdio.h>

int main(void)
{
    int64_t shape[2] = {2, 3};
    uint64_t size = 0;
    void *memory = NULL;
    aclopHandle *product = NULL;
    aclmdlDesc *description;
    aclIntArray *numbers;
    int failures = 0;

    failures += aclInit(NULL) != 0 || aclrtSetDevice(0) != 0;
    failures += acldvppMalloc(&memory, 100) != 0 || acldvppFree(memory) != 0;
    numbers = aclCreateIntArray(shape, 2);
    failures += aclGetIntArraySize(numbers, &size) != OK || size != 2 || aclDestroyIntArray(numbers) != OK;
    description = aclmdlCreateDesc();
    failures += description == NULL || aclmdlDestroyDesc(description) != 0;
    failures += aclblasCreateHandleForHgemv(ACL_TRANS_N, 1, 1, ACL_COMPUTE_HIGH_PRECISION, &product) != 207000;
    failures += aclrtResetDevice(0) != 0 || aclFinalize() != 0;
    printf("%d\n", failures);
    return failures;
}
