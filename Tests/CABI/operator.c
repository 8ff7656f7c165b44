/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of single operators: made, read back, refused, destroyed. */
#include "check.h"
#include "acl/ops/acl_cblas.h"
#include "aclnn/acl_meta.h"

#include <stdlib.h>

/* 1 when `numbers` are those expected; releases them. */
static int equal(int64_t *numbers, uint64_t count, const int64_t *expected, uint64_t expectedCount)
{
    uint64_t i;
    int same = count == expectedCount;

    for (i = 0; same && i < count; i++) {
        same = numbers[i] == expected[i];
    }
    free(numbers);
    return same;
}

static void tensors(void)
{
    static const int64_t view[] = {4, 2};
    static const int64_t strides[] = {1, 4};
    static const int64_t storage[] = {2, 4};
    static const int64_t huge[] = {INT64_MAX / 2, 3};
    static const int64_t negative[] = {4, -1};
    static const int64_t many[129] = {1};
    float data[8] = {0};
    int64_t *numbers = NULL;
    uint64_t count = 0;
    int64_t offset = -1;
    aclDataType type = ACL_DT_UNDEFINED;
    aclFormat format = ACL_FORMAT_UNDEFINED;
    void *address = NULL;
    void *block = NULL;
    aclTensor *tensor = aclCreateTensor(view, 2, ACL_FLOAT, strides, 3, ACL_FORMAT_ND, storage, 2, data);

    CHECK(tensor != NULL, 1);
    CHECK(aclGetViewShape(tensor, &numbers, &count), 0);
    CHECK(equal(numbers, count, view, 2), 1);
    CHECK(aclGetViewStrides(tensor, &numbers, &count), 0);
    CHECK(equal(numbers, count, strides, 2), 1);
    CHECK(aclGetStorageShape(tensor, &numbers, &count), 0);
    CHECK(equal(numbers, count, storage, 2), 1);
    CHECK(aclGetViewOffset(tensor, &offset), 0);
    CHECK(offset, 3);
    CHECK(aclGetDataType(tensor, &type), 0);
    CHECK(type, ACL_FLOAT);
    CHECK(aclGetFormat(tensor, &format), 0);
    CHECK(format, ACL_FORMAT_ND);
    CHECK(aclGetRawTensorAddr(tensor, &address), 0);
    CHECK(address == data, 1);

    CHECK(aclGetViewShape(NULL, &numbers, &count), 161001);
    CHECK(aclGetViewShape(tensor, NULL, &count), 161001);
    CHECK(aclGetViewShape(tensor, &numbers, NULL), 161001);
    CHECK(told("viewDimsNum is null"), 1);
    CHECK(aclGetFormat(tensor, NULL), 161001);
    CHECK(aclGetFormat((aclTensor *)data, &format), 161002);
    CHECK(told("not a handle of this library"), 1);

    CHECK(aclInitTensor(tensor, storage, 2, ACL_FLOAT16, NULL, 0, ACL_FORMAT_NCHW, storage, 2, NULL), 0);
    CHECK(aclGetViewStrides(tensor, &numbers, &count), 0);
    CHECK(equal(numbers, count, (const int64_t[]){4, 1}, 2), 1);
    CHECK(aclGetDataType(tensor, &type), 0);
    CHECK(type, ACL_FLOAT16);
    CHECK(aclInitTensor(tensor, negative, 2, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, storage, 2, NULL), 161002);
    CHECK(aclInitTensor(NULL, view, 2, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, storage, 2, NULL), 161001);
    CHECK(aclSetRawTensorAddr(tensor, data + 1), 0);
    CHECK(aclGetRawTensorAddr(tensor, &address), 0);
    CHECK(address == data + 1, 1);
    CHECK(aclrtMalloc(&block, 64, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    CHECK(aclrtFree(block), 0);
    CHECK(aclSetRawTensorAddr(tensor, block), 161002);
    CHECK(told("freed block"), 1);

    CHECK(aclCreateTensor(NULL, 2, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, storage, 2, NULL) == NULL, 1);
    CHECK(told("viewDims is null"), 1);
    CHECK(aclCreateTensor(view, 2, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, NULL, 1, NULL) == NULL, 1);
    CHECK(aclCreateTensor(many, 129, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, storage, 2, NULL) == NULL, 1);
    CHECK(told("at most 128"), 1);
    CHECK(aclCreateTensor(view, UINT64_MAX, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, storage, 2, NULL) == NULL, 1);
    CHECK(aclCreateTensor(huge, 2, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, storage, 2, NULL) == NULL, 1);
    CHECK(told("2^63"), 1);
    CHECK(aclCreateTensor(view, 2, ACL_FLOAT, huge, 0, ACL_FORMAT_ND, storage, 2, NULL) == NULL, 1);
    CHECK(aclCreateTensor(view, 2, ACL_FLOAT, negative, 0, ACL_FORMAT_ND, storage, 2, NULL) == NULL, 1);
    CHECK(aclCreateTensor(view, 2, ACL_FLOAT, strides, -1, ACL_FORMAT_ND, storage, 2, NULL) == NULL, 1);
    CHECK(told("aclCreateTensor"), 1);

    CHECK(aclDestroyTensor(tensor), 0);
    CHECK(aclDestroyTensor(tensor), 161002);
    CHECK(aclDestroyTensor(NULL), 0);

    /* A scalar has no dimensions, an empty tensor has one of 0. */
    tensor = aclCreateTensor(NULL, 0, ACL_INT64, NULL, 0, ACL_FORMAT_ND, NULL, 0, data);
    CHECK(aclGetViewShape(tensor, &numbers, &count), 0);
    CHECK(equal(numbers, count, NULL, 0), 1);
    CHECK(aclDestroyTensor(tensor), 0);
    tensor = aclCreateTensor((const int64_t[]){0, 7}, 2, ACL_INT64, NULL, 0, ACL_FORMAT_ND, storage, 2, NULL);
    CHECK(aclGetViewStrides(tensor, &numbers, &count), 0);
    CHECK(equal(numbers, count, (const int64_t[]){7, 1}, 2), 1);
    CHECK(aclDestroyTensor(tensor), 0);
}

static void arrays(void)
{
    static const int64_t integers[] = {1, 2, 3};
    static const float floats[] = {0.5F, 1.5F};
    static const bool booleans[] = {true, false, true, true};
    double number = 2.5;
    uint64_t size = 0;
    aclIntArray *first = aclCreateIntArray(integers, 3);
    aclFloatArray *second = aclCreateFloatArray(floats, 2);
    aclBoolArray *third = aclCreateBoolArray(booleans, 4);
    aclScalar *scalars[3] = {aclCreateScalar(&number, ACL_DOUBLE), NULL, aclCreateScalar(&number, ACL_INT8)};
    aclTensor *tensors[2] = {aclCreateTensor(integers, 3, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, integers, 3, NULL),
        aclCreateTensor(integers, 1, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, integers, 1, NULL)};
    const aclTensor *wrong[1] = {(const aclTensor *)first};
    aclTensorList *tensorList = aclCreateTensorList((const aclTensor *const *)tensors, 2);
    aclScalarList *scalarList = aclCreateScalarList((const aclScalar *const *)scalars, 3);

    CHECK(aclGetIntArraySize(first, &size), 0);
    CHECK(size, 3);
    CHECK(aclGetFloatArraySize(second, &size), 0);
    CHECK(size, 2);
    CHECK(aclGetBoolArraySize(third, &size), 0);
    CHECK(size, 4);
    CHECK(aclGetTensorListSize(tensorList, &size), 0);
    CHECK(size, 2);
    CHECK(aclGetScalarListSize(scalarList, &size), 0);
    CHECK(size, 3);
    CHECK(aclGetIntArraySize(NULL, &size), 161001);
    CHECK(aclGetIntArraySize(first, NULL), 161001);
    CHECK(aclGetIntArraySize((aclIntArray *)second, &size), 161002);
    CHECK(told("of the kind array of floats, not array of integers"), 1);

    CHECK(aclCreateIntArray(NULL, 1) == NULL, 1);
    CHECK(told("value is null"), 1);
    CHECK(aclCreateFloatArray(floats, UINT64_MAX) == NULL, 1);
    CHECK(told("the length of value"), 1);
    CHECK(aclCreateScalar(NULL, ACL_FLOAT) == NULL, 1);
    CHECK(aclCreateScalar(&number, ACL_STRING) == NULL, 1);
    CHECK(aclCreateScalar(&number, (aclDataType)999) == NULL, 1);
    CHECK(told("The value 999 of dataType"), 1);
    CHECK(aclCreateTensorList(wrong, 1) == NULL, 1);
    CHECK(told("value[0]"), 1);
    CHECK(aclCreateTensorList(NULL, 1) == NULL, 1);

    /* A list destroys what is in it; what the caller has destroyed before is gone already. */
    CHECK(aclDestroyTensor(tensors[0]), 0);
    CHECK(aclDestroyTensorList(tensorList), 0);
    CHECK(aclDestroyTensorList(tensorList), 161002);
    CHECK(aclDestroyTensor(tensors[1]), 161002);
    CHECK(aclDestroyScalarList(scalarList), 0);
    CHECK(aclDestroyScalar(scalars[0]), 161002);
    CHECK(aclDestroyIntArray(first), 0);
    CHECK(aclDestroyFloatArray(second), 0);
    CHECK(aclDestroyBoolArray(third), 0);
    CHECK(aclDestroyIntArray(NULL), 0);
    CHECK(aclDestroyScalarList(NULL), 0);
}

static void attributes(void)
{
    static const int64_t row[] = {1, 2};
    const int64_t *rows[] = {row, NULL};
    const char *texts[] = {"a", "b", NULL};
    aclopAttr *attr = aclopCreateAttr();

    CHECK(aclopSetAttrBool(attr, "flag", 2), 0);
    CHECK(aclopSetAttrInt(attr, "axis", -1), 0);
    CHECK(aclopSetAttrInt(attr, "axis", 1), 0);
    CHECK(aclopSetAttrFloat(attr, "epsilon", 1e-5F), 0);
    CHECK(aclopSetAttrString(attr, "mode", "fast"), 0);
    CHECK(aclopSetAttrDataType(attr, "type", ACL_BF16), 0);
    CHECK(aclopSetAttrListBool(attr, "flags", 2, (const uint8_t[]){0, 1}), 0);
    CHECK(aclopSetAttrListInt(attr, "pads", 2, row), 0);
    CHECK(aclopSetAttrListFloat(attr, "scales", 1, (const float[]){0.5F}), 0);
    CHECK(aclopSetAttrListString(attr, "names", 2, texts), 0);
    CHECK(aclopSetAttrListDataType(attr, "types", 1, (const aclDataType[]){ACL_INT8}), 0);
    CHECK(aclopSetAttrListListInt(attr, "table", 2, (const int[]){2, 0}, rows), 0);
    CHECK(aclopSetAttrListInt(attr, "none", 0, NULL), 0);

    CHECK(aclopSetAttrBool(NULL, "flag", 1), 100000);
    CHECK(aclopSetAttrBool(attr, NULL, 1), 100000);
    CHECK(told("attrName is null"), 1);
    CHECK(aclopSetAttrString(attr, "mode", NULL), 100000);
    CHECK(aclopSetAttrListInt(attr, "pads", -1, row), 100000);
    CHECK(told("The value -1 of numValues"), 1);
    CHECK(aclopSetAttrListInt(attr, "pads", 1, NULL), 100000);
    CHECK(aclopSetAttrListString(attr, "names", 3, texts), 100000);
    CHECK(told("values[2] is null"), 1);
    CHECK(aclopSetAttrListListInt(attr, "table", 2, (const int[]){2, 1}, rows), 100000);
    CHECK(told("values[1] is null"), 1);
    aclopDestroyAttr(NULL);
    aclopDestroyAttr(attr);
    CHECK(aclopSetAttrInt(attr, "axis", 1), 100000);
    CHECK(told("has been destroyed"), 1);
}

static void refused(void)
{
    static const aclFloat16 half[4] = {0};
    aclFloat16 result[4];
    aclopHandle *handle = NULL;

    CHECK(aclopExecuteV2("Add", 0, NULL, NULL, 0, NULL, NULL, NULL, NULL), 207000);
    CHECK(told("aclopExecuteV2"), 1);
    CHECK(aclopExecuteV2(NULL, 0, NULL, NULL, 0, NULL, NULL, NULL, NULL), 100000);
    CHECK(aclopSetModelDir("op_models"), 207000);
    CHECK(aclopCreateHandle("Add", 0, NULL, 0, NULL, NULL, NULL), 100000);
    CHECK(aclopCreateHandle("Add", 0, NULL, 0, NULL, NULL, &handle), 207000);
    CHECK(handle == NULL, 1);
    CHECK(aclopRegisterCompileFunc("Add", NULL), 100000);
    CHECK(aclblasHgemm(ACL_TRANS_N, ACL_TRANS_N, ACL_TRANS_N, 2, 2, 2, half, half, 2, half, 2, half, result, 2,
              ACL_COMPUTE_HIGH_PRECISION, NULL),
        207000);
    CHECK(told("outside a model"), 1);
    CHECK(aclblasHgemm(ACL_TRANS_N, ACL_TRANS_N, ACL_TRANS_N, 2, 2, 2, half, NULL, 2, half, 2, half, result, 2,
              ACL_COMPUTE_HIGH_PRECISION, NULL),
        100000);
    CHECK(told("matrixA is null"), 1);
}

int main(void)
{
    CHECK(aclInit(NULL), 0);
    CHECK(aclrtSetDevice(0), 0);
    tensors();
    arrays();
    attributes();
    refused();
    return result();
}
