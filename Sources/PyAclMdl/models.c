/* SPDX-License-Identifier: Apache-2.0 */
/* Model functions with dicts or typed option values: gears, AIPP information, load and execution options. */
#include "bindings.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_GEARS = 4096 };

static PyObject *raise_text(PyObject *type, const char *text)
{
    PyErr_Clear();
    PyErr_SetString(type, text);
    return NULL;
}

/* Reads {dimCount, dims, name} into `dims`; NULL with an exception set, or None, borrowed. */
static PyObject *read_gear(PyObject *dict, aclmdlIODims *dims)
{
    static const char *const not_ints = "the dims of fourth parameter is not list of int";
    if (!PyDict_Check(dict)) {
        return raise_text(PyExc_TypeError, "argument 4 is not dict");
    }
    PyObject *count_object = PyDict_GetItemString(dict, "dimCount");
    PyObject *list = PyDict_GetItemString(dict, "dims");
    if (!list || !PyList_Check(list)) {
        return raise_text(PyExc_TypeError, "The dims of parameter 4 is not a list.");
    }
    if (!count_object || !PyLong_Check(count_object)) {
        return PyList_Size(list) ? raise_text(PyExc_ValueError, "PyLong_AsLongLong failed")
                                 : raise_text(PyExc_TypeError, not_ints);
    }
    long long count = PyLong_AsLongLong(count_object);
    if (count == -1 && PyErr_Occurred()) {
        return raise_text(PyExc_ValueError, "PyLong_AsLongLong failed");
    }
    if (count < 0 || count > ACL_MAX_DIM_CNT) {
        return PyErr_Format(
            PyExc_ValueError, "the dimCount of parameter 4 is %lld, expected 0 to %d", count, ACL_MAX_DIM_CNT);
    }
    for (long long index = 0; index < count; index++) {
        PyObject *item = index < PyList_Size(list) ? PyList_GetItem(list, (Py_ssize_t)index) : NULL;
        if (!item || !PyLong_Check(item)) {
            return raise_text(PyExc_TypeError, not_ints);
        }
        if (!read_L(item, &dims->dims[index])) {
            return raise_text(PyExc_ValueError, "PyLong_AsLongLong failed");
        }
    }
    dims->dimCount = (size_t)count;
    PyObject *name = PyDict_GetItemString(dict, "name");
    if (name) {
        Py_ssize_t size;
        const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &size) : NULL;
        if (!text) {
            return raise_text(PyExc_RuntimeError, "PyUnicode_AsUTF8String failed");
        }
        /* The last byte stays NUL. */
        strncpy(dims->name, text, sizeof dims->name - 1);
    }
    return Py_None;
}

PyObject *mdl_set_input_dynamic_dims(PyObject *self, aclmdlSetInputDynamicDims_fn call, uint32_t model_id,
    uint64_t dataset_in, uint64_t index, PyObject *dims)
{
    (void)self;
    aclmdlIODims shape = {0};
    if (!read_gear(dims, &shape)) {
        return NULL;
    }
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call(model_id, (aclmdlDataset *)(uintptr_t)dataset_in, index, &shape);
    Py_END_ALLOW_THREADS
    return make_i(ret);
}

PyObject *mdl_get_input_dynamic_dims(
    PyObject *self, aclmdlGetInputDynamicDims_fn call, uint64_t model_desc, uint64_t index, uint64_t gear_count)
{
    (void)self;
    if (gear_count > MOST_GEARS) {
        return pack2(make_none(), make_i(ACL_ERROR_INVALID_PARAM));
    }
    aclmdlIODims *gears = calloc(gear_count ? gear_count : 1, sizeof *gears);
    if (!gears) {
        return PyErr_NoMemory();
    }
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call((const aclmdlDesc *)(uintptr_t)model_desc, index, gears, gear_count);
    Py_END_ALLOW_THREADS
    PyObject *list = PyList_New(0);
    for (uint64_t gear = 0; !ret && list && gear < gear_count; gear++) {
        PyObject *dict = shape_dict(&gears[gear], false);
        if (!dict || PyList_Append(list, dict)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(dict);
    }
    free(gears);
    return pack2(list, make_i(ret));
}

/* One entry of the AIPP dict. */
#define PUT(unit, key, value) put(dict, key, make_##unit(value))
#define PUT_FIELD(unit, field) PUT(unit, #field, info->field)

static PyObject *aipp_shapes(const aclAippInfo *info)
{
    PyObject *list = PyList_New(0);
    for (size_t index = 0; list && index < info->shapeCount && index < ACL_MAX_SHAPE_COUNT; index++) {
        const aclAippDims *shape = &info->outDims[index];
        PyObject *dict = PyDict_New();
        if (dict && !(put(dict, "srcDims", shape_dict(&shape->srcDims, true)) && PUT(k, "srcSize", shape->srcSize) &&
                        put(dict, "aippOutdims", shape_dict(&shape->aippOutdims, true)) &&
                        PUT(k, "aippOutSize", shape->aippOutSize))) {
            Py_CLEAR(dict);
        }
        if (!dict || PyList_Append(list, dict)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(dict);
    }
    return list;
}

static bool put_aipp_matrix(PyObject *dict, const aclAippInfo *info)
{
    return PUT_FIELD(i, matrixR0C0) && PUT_FIELD(i, matrixR0C1) && PUT_FIELD(i, matrixR0C2) &&
           PUT_FIELD(i, matrixR1C0) && PUT_FIELD(i, matrixR1C1) && PUT_FIELD(i, matrixR1C2) &&
           PUT_FIELD(i, matrixR2C0) && PUT_FIELD(i, matrixR2C1) && PUT_FIELD(i, matrixR2C2) &&
           PUT_FIELD(i, outputBias0) && PUT_FIELD(i, outputBias1) && PUT_FIELD(i, outputBias2) &&
           PUT_FIELD(i, inputBias0) && PUT_FIELD(i, inputBias1) && PUT_FIELD(i, inputBias2);
}

static bool put_aipp_channels(PyObject *dict, const aclAippInfo *info)
{
    return PUT_FIELD(i, meanChn0) && PUT_FIELD(i, meanChn1) && PUT_FIELD(i, meanChn2) && PUT_FIELD(i, meanChn3) &&
           PUT_FIELD(f, minChn0) && PUT_FIELD(f, minChn1) && PUT_FIELD(f, minChn2) && PUT_FIELD(f, minChn3) &&
           PUT_FIELD(f, varReciChn0) && PUT_FIELD(f, varReciChn1) && PUT_FIELD(f, varReciChn2) &&
           PUT_FIELD(f, varReciChn3);
}

static bool put_aipp_geometry(PyObject *dict, const aclAippInfo *info)
{
    return PUT_FIELD(i, cscSwitch) && PUT_FIELD(i, rbuvSwapSwitch) && PUT_FIELD(i, axSwapSwitch) &&
           PUT_FIELD(i, singleLineMode) && PUT_FIELD(i, srcImageSizeW) && PUT_FIELD(i, srcImageSizeH) &&
           PUT_FIELD(i, cropSwitch) && PUT_FIELD(i, loadStartPosW) && PUT_FIELD(i, loadStartPosH) &&
           PUT_FIELD(i, cropSizeW) && PUT_FIELD(i, cropSizeH) && PUT_FIELD(i, resizeSwitch) &&
           PUT_FIELD(i, resizeOutputW) && PUT_FIELD(i, resizeOutputH) && PUT_FIELD(i, paddingSwitch) &&
           PUT_FIELD(i, leftPaddingSize) && PUT_FIELD(i, rightPaddingSize) && PUT_FIELD(i, topPaddingSize) &&
           PUT_FIELD(i, bottomPaddingSize);
}

static PyObject *aipp_dict(const aclAippInfo *info)
{
    PyObject *dict = PyDict_New();
    if (dict &&
        !(put_aipp_matrix(dict, info) && put_aipp_channels(dict, info) && put_aipp_geometry(dict, info) &&
            PUT(I, "srcFormat", (uint32_t)info->srcFormat) && PUT(I, "srcDatatype", (uint32_t)info->srcDatatype) &&
            PUT_FIELD(k, srcDimNum) && PUT_FIELD(k, shapeCount) && PUT(I, "inputFormat", (uint32_t)info->inputFormat) &&
            PUT(i, "aippExtend", 0) && put(dict, "outDims", aipp_shapes(info)))) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *mdl_get_first_aipp_info(PyObject *self, aclmdlGetFirstAippInfo_fn call, uint32_t model_id, uint64_t index)
{
    (void)self;
    aclAippInfo *info = calloc(1, sizeof *info);
    if (!info) {
        return PyErr_NoMemory();
    }
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call(model_id, index, info);
    Py_END_ALLOW_THREADS
    PyObject *made = pack2(ret ? make_none() : aipp_dict(info), make_i(ret));
    free(info);
    return made;
}

PyObject *mdl_set_config_opt(
    PyObject *self, aclmdlSetConfigOpt_fn call, uint64_t config_handle, int32_t attr, PyObject *attr_value)
{
    (void)self;
    int32_t narrow = 0;
    uint64_t wide = 0;
    const char *path = NULL;
    const void *value = &wide;
    size_t size = sizeof wide;
    bool read;
    switch (attr) {
    case ACL_MDL_PRIORITY_INT32:
        read = read_i(attr_value, &narrow);
        value = &narrow;
        size = sizeof narrow;
        break;
    case ACL_MDL_WITHOUT_GRAPH_INT32:
        read = read_k(attr_value, &wide);
        narrow = (int32_t)wide;
        value = &narrow;
        size = sizeof narrow;
        break;
    case ACL_MDL_PATH_PTR:
        read = read_s(attr_value, &path);
        value = &path;
        break;
    default:
        read = read_k(attr_value, &wide);
    }
    if (!read) {
        return refuse("acl.mdl.set_config_opt args parse failed!");
    }
    return make_i(call((aclmdlConfigHandle *)(uintptr_t)config_handle, (aclmdlConfigAttr)attr, value, size));
}

PyObject *mdl_set_exec_config_opt(
    PyObject *self, aclmdlSetExecConfigOpt_fn call, uint64_t handle, uint64_t attr, uint32_t attr_value)
{
    (void)self;
    return make_i(call((aclmdlExecConfigHandle *)(uintptr_t)handle, (aclmdlExecConfigAttr)(uint32_t)attr, &attr_value,
        sizeof attr_value));
}
