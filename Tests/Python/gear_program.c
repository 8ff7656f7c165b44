/* SPDX-License-Identifier: Apache-2.0 */
/* Valid as C11 and as C++17: prints what a model with gears says of itself; runs one with batch gears in each of them.
 *
 * usage: gear_program MODEL [INPUT EXPECTED]; the last two are raw float32 files for the largest batch. Prints the
 * largest difference over all gears. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program_support.h"

static void print_dims(const char *what, const aclmdlIODims *dims)
{
    printf("%s", what);
    for (size_t axis = 0; axis < dims->dimCount; axis++) {
        printf(" %lld", (long long)dims->dims[axis]);
    }
    printf("\n");
}

static void describe(const aclmdlDesc *desc)
{
    aclmdlBatch batch;
    CHECK(aclmdlGetDynamicBatch(desc, &batch));
    printf("batch");
    for (size_t gear = 0; gear < batch.batchCount; gear++) {
        printf(" %llu", (unsigned long long)batch.batch[gear]);
    }
    aclmdlHW hw;
    CHECK(aclmdlGetDynamicHW(desc, (size_t)-1, &hw));
    printf("\nhw");
    for (size_t gear = 0; gear < hw.hwCount; gear++) {
        printf(" %llux%llu", (unsigned long long)hw.hw[gear][0], (unsigned long long)hw.hw[gear][1]);
    }
    printf("\n");
    size_t count = 0;
    CHECK(aclmdlGetInputDynamicGearCount(desc, (size_t)-1, &count));
    aclmdlIODims *gears = (aclmdlIODims *)calloc(count + 1, sizeof *gears);
    CHECK(aclmdlGetInputDynamicDims(desc, (size_t)-1, gears, count));
    for (size_t gear = 0; gear < count; gear++) {
        print_dims("gear", &gears[gear]);
    }
    free(gears);
}

static void add(aclmdlDataset *dataset, void *data, size_t size)
{
    CHECK(aclmdlAddDatasetBuffer(dataset, aclCreateDataBuffer(data, size)));
}

static void destroy(aclmdlDataset *dataset)
{
    for (size_t index = 0; index < aclmdlGetDatasetNumBuffers(dataset); index++) {
        CHECK(aclDestroyDataBuffer(aclmdlGetDatasetBuffer(dataset, index)));
    }
    CHECK(aclmdlDestroyDataset(dataset));
}

/* Runs each batch size on the first rows of the input. */
static float run(uint32_t model, aclmdlDesc *desc, void *input, const char *expected)
{
    size_t selector = 0;
    CHECK(aclmdlGetInputIndexByName(desc, ACL_DYNAMIC_TENSOR_NAME, &selector));
    size_t output_size = aclmdlGetOutputSizeByIndex(desc, 0);
    uint32_t choice = 0;
    char *output = (char *)malloc(output_size);
    aclmdlDataset *inputs = aclmdlCreateDataset(), *outputs = aclmdlCreateDataset();
    add(inputs, input, aclmdlGetInputSizeByIndex(desc, 0));
    add(inputs, &choice, aclmdlGetInputSizeByIndex(desc, selector));
    add(outputs, output, output_size);
    aclmdlBatch batch;
    CHECK(aclmdlGetDynamicBatch(desc, &batch));
    float worst = 0;
    for (size_t gear = 0; gear < batch.batchCount; gear++) {
        CHECK(aclmdlSetDynamicBatchSize(model, inputs, selector, batch.batch[gear]));
        aclmdlIODims dims;
        CHECK(aclmdlGetCurOutputDims(desc, 0, &dims));
        print_dims("now", &dims);
        size_t size = sizeof(float);
        for (size_t axis = 0; axis < dims.dimCount; axis++) {
            size *= (size_t)dims.dims[axis];
        }
        memset(output, 0xff, output_size);
        CHECK(aclmdlExecute(model, inputs, outputs));
        for (size_t place = 0; place < size; place += sizeof(float)) {
            float found, wanted;
            memcpy(&found, output + place, sizeof found);
            memcpy(&wanted, expected + place, sizeof wanted);
            worst = fabsf(found - wanted) <= worst ? worst : fabsf(found - wanted);
        }
    }
    destroy(inputs);
    destroy(outputs);
    free(output);
    return worst;
}

int main(int count, char **arguments)
{
    if (count != 2 && count != 4) {
        return 2;
    }
    size_t model_size, size;
    char *bytes = read_file(arguments[1], &model_size);
    uint32_t model = 0;
    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlLoadFromMem(bytes, model_size, &model));
    free(bytes);
    aclmdlDesc *desc = aclmdlCreateDesc();
    CHECK(aclmdlGetDesc(desc, model));
    describe(desc);
    if (count == 4) {
        char *input = read_file(arguments[2], &size);
        char *expected = read_file(arguments[3], &size);
        printf("difference %g\n", run(model, desc, input, expected));
        free(input);
        free(expected);
    }
    CHECK(aclmdlDestroyDesc(desc));
    CHECK(aclmdlUnload(model));
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
    return 0;
}
