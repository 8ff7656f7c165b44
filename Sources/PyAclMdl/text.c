/* SPDX-License-Identifier: Apache-2.0 */
/* Functions whose C side writes text or numbers into a buffer of the caller. */
#include "bindings.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_KEY = 1024, LONGEST_NAME = 4096, LONGEST_VERSION = 128, MOST_RANGES = 4096 };

PyObject *app_log(PyObject *self, aclAppLog_fn call, int32_t log_level, const char *msg)
{
    (void)self;
    Py_BEGIN_ALLOW_THREADS
    call((aclLogLevel)log_level, "", "python", 0, "%s", msg);
    Py_END_ALLOW_THREADS
    return make_none();
}

PyObject *get_version_str(PyObject *self, aclsysGetVersionStr_fn call, const char *pkg_name)
{
    (void)self;
    char text[LONGEST_VERSION + 1] = {0};
    aclError ret = call((char *)pkg_name, text);
    return pack2(bounded_text(ret ? "" : text, sizeof text), make_i(ret));
}

PyObject *get_cann_attribute_list(PyObject *self, aclGetCannAttributeList_fn call)
{
    (void)self;
    const aclCannAttr *attributes = NULL;
    size_t count = 0;
    aclError ret = call(&attributes, &count);
    if (ret || !attributes) {
        count = 0;
    }
    PyObject *list = PyList_New(0);
    for (size_t index = 0; list && index < count; index++) {
        PyObject *item = make_i((int32_t)attributes[index]);
        if (!item || PyList_Append(list, item)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    return pack3(list, make_k(count), make_i(ret));
}

PyObject *get_tensor_desc_dim_range(
    PyObject *self, aclGetTensorDescDimRange_fn call, uint64_t tensor_desc, uint64_t index, uint64_t dim_range_num)
{
    (void)self;
    if (dim_range_num > MOST_RANGES) {
        return pack2(make_none(), make_i(ACL_ERROR_INVALID_PARAM));
    }
    /* The C side writes a pair whatever the number says. */
    int64_t *range = calloc(dim_range_num + 2, sizeof *range);
    if (!range) {
        return PyErr_NoMemory();
    }
    aclError ret = call((const aclTensorDesc *)(uintptr_t)tensor_desc, index, dim_range_num, range);
    PyObject *list = ret ? make_none() : PyList_New(0);
    for (uint64_t position = 0; !ret && list && position < dim_range_num; position++) {
        PyObject *item = make_L(range[position]);
        if (!item || PyList_Append(list, item)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    free(range);
    return pack2(list, make_i(ret));
}

PyObject *rt_get_function_name(PyObject *self, aclrtGetFunctionName_fn call, uint64_t func_handle, uint32_t max_len)
{
    (void)self;
    if (max_len >= LONGEST_KEY) {
        PyErr_SetString(PyExc_ValueError, "maxLen should be less than 1024");
        return NULL;
    }
    char name[LONGEST_KEY + 1] = {0};
    aclError ret = call((aclrtFuncHandle)(uintptr_t)func_handle, max_len, name);
    return pack2(bounded_text(ret ? "" : name, sizeof name), make_i(ret));
}

static bool key_length_fits(uint64_t length)
{
    if (length >= LONGEST_KEY) {
        PyErr_SetString(PyExc_ValueError, "key len should be less than 1024");
        return false;
    }
    return true;
}

PyObject *rt_ipc_mem_get_export_key(
    PyObject *self, aclrtIpcMemGetExportKey_fn call, uint64_t dev_ptr, uint64_t size, uint64_t len, uint64_t flag)
{
    (void)self;
    if (!key_length_fits(len)) {
        return NULL;
    }
    char key[LONGEST_KEY + 1] = {0};
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call((void *)(uintptr_t)dev_ptr, size, key, len, flag);
    Py_END_ALLOW_THREADS
    return pack2(bounded_text(ret ? "" : key, sizeof key), make_i(ret));
}

PyObject *rt_notify_get_export_key(
    PyObject *self, aclrtNotifyGetExportKey_fn call, uint64_t notify, uint64_t len, uint64_t flag)
{
    (void)self;
    if (!key_length_fits(len)) {
        return NULL;
    }
    char key[LONGEST_KEY + 1] = {0};
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call((aclrtNotify)(uintptr_t)notify, key, len, flag);
    Py_END_ALLOW_THREADS
    return pack2(bounded_text(ret ? "" : key, sizeof key), make_i(ret));
}

PyObject *mdl_create_and_get_op_desc(PyObject *self, aclmdlCreateAndGetOpDesc_fn call, uint32_t device_id,
    uint32_t stream_id, uint32_t task_id, uint64_t op_name_len)
{
    (void)self;
    aclTensorDesc *inputs = NULL, *outputs = NULL;
    size_t input_count = 0, output_count = 0;
    aclError ret = ACL_ERROR_INVALID_PARAM;
    PyObject *name = NULL;
    if (op_name_len > LONGEST_NAME) {
        name = make_s("");
    } else {
        char *buffer = calloc(op_name_len + 1, 1);
        if (!buffer) {
            return PyErr_NoMemory();
        }
        Py_BEGIN_ALLOW_THREADS
        ret = call(device_id, stream_id, task_id, buffer, op_name_len, &inputs, &input_count, &outputs, &output_count);
        Py_END_ALLOW_THREADS
        name = bounded_text(ret ? "" : buffer, op_name_len + 1);
        free(buffer);
    }
    return pack6(name, make_k((uintptr_t)inputs), make_k(input_count), make_k((uintptr_t)outputs), make_k(output_count),
        make_i(ret));
}
