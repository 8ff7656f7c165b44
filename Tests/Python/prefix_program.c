/* SPDX-License-Identifier: Apache-2.0 */
/* Valid as C11 and as C++17: loads a model of one input and one output from memory into memory of its own, runs it, and
 * compares the output.
 *
 * usage: prefix_program MODEL INPUT EXPECTED; the last two are raw float32 files. Prints the largest difference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "program_support.h"

static void *device_memory(size_t size)
{
    void *memory = NULL;
    CHECK(aclrtMalloc(&memory, size ? size : 1, ACL_MEM_MALLOC_HUGE_FIRST));
    return memory;
}

static aclmdlDataset *dataset_of(aclDataBuffer *buffer)
{
    aclmdlDataset *dataset = aclmdlCreateDataset();
    CHECK(aclmdlAddDatasetBuffer(dataset, buffer));
    return dataset;
}

int main(int count, char **arguments)
{
    if (count != 4) {
        return 2;
    }
    size_t model_size, input_size, output_size, work_size, weight_size;
    char *model = read_file(arguments[1], &model_size);
    char *input = read_file(arguments[2], &input_size);
    float *expected = (float *)(void *)read_file(arguments[3], &output_size);

    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlQuerySizeFromMem(model, model_size, &work_size, &weight_size));
    void *work = device_memory(work_size);
    void *weights = device_memory(weight_size);
    uint32_t id;
    CHECK(aclmdlLoadFromMemWithMem(model, model_size, &id, work, work_size, weights, weight_size));
    free(model);

    aclmdlDesc *description = aclmdlCreateDesc();
    CHECK(aclmdlGetDesc(description, id));
    if (aclmdlGetInputSizeByIndex(description, 0) != input_size ||
        aclmdlGetOutputSizeByIndex(description, 0) != output_size) {
        fprintf(stderr, "the sizes of input and output are not those of the files\n");
        return 1;
    }
    void *device_input = device_memory(input_size);
    void *device_output = device_memory(output_size);
    CHECK(aclrtMemcpy(device_input, input_size, input, input_size, ACL_MEMCPY_HOST_TO_DEVICE));
    aclDataBuffer *input_buffer = aclCreateDataBuffer(device_input, input_size);
    aclDataBuffer *output_buffer = aclCreateDataBuffer(device_output, output_size);
    aclmdlDataset *inputs = dataset_of(input_buffer);
    aclmdlDataset *outputs = dataset_of(output_buffer);
    CHECK(aclmdlExecute(id, inputs, outputs));

    float *output = (float *)malloc(output_size);
    CHECK(aclrtMemcpy(output, output_size, device_output, output_size, ACL_MEMCPY_DEVICE_TO_HOST));
    float largest = 0;
    for (size_t index = 0; index < output_size / sizeof(float); index++) {
        largest = fmaxf(largest, fabsf(output[index] - expected[index]));
    }
    printf("%g\n", (double)largest);

    CHECK(aclmdlUnload(id));
    CHECK(aclmdlDestroyDesc(description));
    CHECK(aclmdlDestroyDataset(inputs));
    CHECK(aclmdlDestroyDataset(outputs));
    CHECK(aclDestroyDataBuffer(input_buffer));
    CHECK(aclDestroyDataBuffer(output_buffer));
    CHECK(aclrtFree(device_input));
    CHECK(aclrtFree(device_output));
    CHECK(aclrtFree(work));
    CHECK(aclrtFree(weights));
    free(input);
    free(expected);
    free(output);
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
    return 0;
}
