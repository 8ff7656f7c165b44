/* SPDX-License-Identifier: Apache-2.0 */
/* Stream attributes, waiting for a notify, groups and memory errors: functions with arguments of their own kind. */
#include "bindings.h"
#include "values.h"

#include <stdlib.h>

enum { RESERVED_WORDS = 4, MOST_GROUP_VALUES = 256 };

static PyObject *append(PyObject *list, PyObject *item)
{
    if (!list || !item || PyList_Append(list, item)) {
        Py_CLEAR(list);
    }
    Py_XDECREF(item);
    return list;
}

PyObject *rt_set_stream_attribute(
    PyObject *self, aclrtSetStreamAttribute_fn call, uint64_t stream, int32_t stm_attr_type, PyObject *value)
{
    (void)self;
    if (!PyDict_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "the aclrtStreamAttrValue argument is not dict");
        return NULL;
    }
    aclrtStreamAttrValue attribute = {0};
    uint64_t number = 0;
    PyObject *words = NULL;
    bool read = true;
    switch (stm_attr_type) {
    case ACL_STREAM_ATTR_FAILURE_MODE:
        read = read_key_unsigned(value, "failureMode", &number);
        attribute.failureMode = number;
        break;
    case ACL_STREAM_ATTR_FLOAT_OVERFLOW_CHECK:
        read = read_key_unsigned(value, "overflowSwitch", &number);
        attribute.overflowSwitch = (uint32_t)number;
        break;
    case ACL_STREAM_ATTR_USER_CUSTOM_TAG:
        read = read_key_unsigned(value, "userCustomTag", &number);
        attribute.userCustomTag = (uint32_t)number;
        break;
    default:
        words = PyDict_GetItemString(value, "reserved");
        if (words && PyList_Check(words)) {
            Py_ssize_t count = PyList_Size(words);
            if (count > RESERVED_WORDS) {
                PyErr_SetString(PyExc_ValueError, "The length of reserved should be no greater than 4");
                return NULL;
            }
            for (Py_ssize_t index = 0; index < count; index++) {
                PyObject *item = PyList_GetItem(words, index);
                if (!item || !PyLong_Check(item)) {
                    break;
                }
                attribute.reserve[index] = (uint32_t)PyLong_AsUnsignedLongMask(item);
            }
        }
    }
    if (!read) {
        return NULL;
    }
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call((aclrtStream)(uintptr_t)stream, (aclrtStreamAttr)stm_attr_type, &attribute);
    Py_END_ALLOW_THREADS
    return make_i(ret);
}

PyObject *rt_get_stream_attribute(
    PyObject *self, aclrtGetStreamAttribute_fn call, uint64_t stream, int32_t stm_attr_type)
{
    (void)self;
    aclrtStreamAttrValue attribute = {0};
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call((aclrtStream)(uintptr_t)stream, (aclrtStreamAttr)stm_attr_type, &attribute);
    Py_END_ALLOW_THREADS
    PyObject *dict = PyDict_New();
    PyObject *words = NULL;
    bool stored = false;
    switch (dict ? stm_attr_type : 0) {
    case ACL_STREAM_ATTR_FAILURE_MODE:
        stored = put(dict, "failureMode", make_k(attribute.failureMode));
        break;
    case ACL_STREAM_ATTR_FLOAT_OVERFLOW_CHECK:
        stored = put(dict, "overflowSwitch", make_I(attribute.overflowSwitch));
        break;
    case ACL_STREAM_ATTR_USER_CUSTOM_TAG:
        stored = put(dict, "userCustomTag", make_I(attribute.userCustomTag));
        break;
    default:
        words = dict ? PyList_New(0) : NULL;
        for (int index = 0; words && index < RESERVED_WORDS; index++) {
            words = append(words, make_I(attribute.reserve[index]));
        }
        stored = words && put(dict, "reserved", words);
    }
    if (!stored) {
        Py_CLEAR(dict);
    }
    return pack2(dict, make_i(ret));
}

PyObject *rt_wait_and_reset_notify(
    PyObject *self, aclrtWaitAndResetNotify_fn call, uint64_t notify, uint64_t stream, int64_t timeout)
{
    (void)self;
    if (timeout < 0 || timeout > UINT32_MAX) {
        PyErr_SetString(PyExc_TypeError,
            timeout < 0 ? "timeout can't be a negative number!" : "timeout should be less than 2**32!");
        return NULL;
    }
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call((aclrtNotify)(uintptr_t)notify, (aclrtStream)(uintptr_t)stream, (uint32_t)timeout);
    Py_END_ALLOW_THREADS
    return make_i(ret);
}

PyObject *rt_get_group_info_detail(
    PyObject *self, aclrtGetGroupInfoDetail_fn call, uint64_t group_info, int32_t group_id, int32_t attr)
{
    (void)self;
    int32_t values[MOST_GROUP_VALUES] = {0};
    size_t written = 0;
    aclError ret = call(
        (const aclrtGroupInfo *)(uintptr_t)group_info, group_id, (aclrtGroupAttr)attr, values, sizeof values, &written);
    if (ret) {
        PyErr_SetString(PyExc_RuntimeError, "aclrtGetGroupInfoDetail failed");
        return NULL;
    }
    PyObject *list = PyList_New(0);
    for (size_t index = 0; list && index < written / sizeof values[0] && index < MOST_GROUP_VALUES; index++) {
        list = append(list, make_i(values[index]));
    }
    return pack2(list, make_i(ret));
}

static PyObject *memory_error_dict(const aclrtMemUceInfo *info)
{
    PyObject *reserved = PyList_New(0);
    for (int index = 0; reserved && index < UCE_INFO_RESERVED_SIZE; index++) {
        reserved = append(reserved, make_k(info->reserved[index]));
    }
    PyObject *dict = PyDict_New();
    if (!dict) {
        Py_XDECREF(reserved);
        return NULL;
    }
    bool stored = put(dict, "addr", make_k((uintptr_t)info->addr)) && put(dict, "len", make_k(info->len));
    if (!put(dict, "reserved", reserved) || !stored) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *rt_get_mem_uce_info(PyObject *self, aclrtGetMemUceInfo_fn call, int32_t device_id, uint32_t array_size)
{
    (void)self;
    if (array_size > MAX_MEM_UCE_INFO_ARRAY_SIZE) {
        array_size = MAX_MEM_UCE_INFO_ARRAY_SIZE;
    }
    aclrtMemUceInfo *infos = calloc(array_size ? array_size : 1, sizeof *infos);
    if (!infos) {
        return PyErr_NoMemory();
    }
    size_t count = 0;
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call(device_id, infos, array_size, &count);
    Py_END_ALLOW_THREADS
    PyObject *list = PyList_New(0);
    for (size_t index = 0; !ret && list && index < count && index < array_size; index++) {
        list = append(list, memory_error_dict(&infos[index]));
    }
    free(infos);
    return pack2(list, make_i(ret));
}

static bool read_memory_error(PyObject *entry, aclrtMemUceInfo *info)
{
    uint64_t length = 0;
    PyObject *address = PyDict_GetItemString(entry, "addr");
    if (address && address != Py_None) {
        info->addr = PyLong_Check(address) ? PyLong_AsVoidPtr(address) : NULL;
        if (!PyLong_Check(address) || PyErr_Occurred()) {
            PyErr_Clear();
            PyErr_SetString(PyExc_ValueError, "PyLong_AsVoidPtr failed");
            return false;
        }
    }
    if (!read_key_unsigned(entry, "len", &length)) {
        return false;
    }
    info->len = length;
    PyObject *reserved = PyDict_GetItemString(entry, "reserved");
    Py_ssize_t count = reserved && PyList_Check(reserved) ? PyList_Size(reserved) : 0;
    if (count > UCE_INFO_RESERVED_SIZE) {
        PyErr_SetString(PyExc_ValueError, "The length of reserved should be no greater than 14");
        return false;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *item = PyList_GetItem(reserved, index);
        if (!item || !PyLong_Check(item)) {
            break;
        }
        info->reserved[index] = PyLong_AsUnsignedLongLongMask(item);
    }
    return true;
}

PyObject *rt_mem_uce_repair(PyObject *self, aclrtMemUceRepair_fn call, int32_t device_id, PyObject *mem_uce_info)
{
    (void)self;
    if (!PyList_Check(mem_uce_info)) {
        PyErr_SetString(PyExc_TypeError, "aclrtMemUceInfo argument is not list");
        return NULL;
    }
    size_t count = (size_t)PyList_Size(mem_uce_info);
    aclrtMemUceInfo *infos = calloc(count ? count : 1, sizeof *infos);
    if (!infos) {
        return PyErr_NoMemory();
    }
    for (size_t index = 0; index < count; index++) {
        PyObject *entry = PyList_GetItem(mem_uce_info, (Py_ssize_t)index);
        if (!entry || !PyDict_Check(entry)) {
            PyErr_Clear();
            PyErr_SetString(PyExc_TypeError, "the aclrtMemUceInfo argument is not dict");
        } else if (read_memory_error(entry, &infos[index])) {
            continue;
        }
        free(infos);
        return NULL;
    }
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call(device_id, infos, count);
    Py_END_ALLOW_THREADS
    free(infos);
    return make_i(ret);
}

PyObject *rt_launch_kernel_with_host_args(PyObject *self, aclrtLaunchKernelWithHostArgs_fn call, uint64_t func_handle,
    uint32_t num_blocks, uint64_t stream, struct launch_config *cfg, uint64_t host_args_ptr, uint64_t host_args_size,
    struct placeholders *place_holder_list, uint64_t place_holder_num)
{
    (void)self;
    if (place_holder_num > place_holder_list->count) {
        return PyErr_Format(PyExc_ValueError, "place_holder_num is %llu, but place_holder_list has %zu entries",
            (unsigned long long)place_holder_num, place_holder_list->count);
    }
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call((aclrtFuncHandle)(uintptr_t)func_handle, num_blocks, (aclrtStream)(uintptr_t)stream, cfg->value,
        (void *)(uintptr_t)host_args_ptr, host_args_size, place_holder_num ? place_holder_list->items : NULL,
        place_holder_num);
    Py_END_ALLOW_THREADS
    return make_i(ret);
}
