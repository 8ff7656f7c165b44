/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes and other lists of numbers, in and out. */
#include "containers.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

static bool raise_text(PyObject *type, const char *text)
{
    PyErr_Clear();
    PyErr_SetString(type, text);
    return false;
}

/* Room for at least one number, so that an empty list is not a NULL pointer. */
static int64_t *numbers(size_t count)
{
    int64_t *items = calloc(count ? count : 1, sizeof(int64_t));
    if (!items) {
        PyErr_NoMemory();
    }
    return items;
}

/* One int of a list, 64 bits; `not_int` is the TypeError for anything else. */
static bool read_element(PyObject *element, const char *not_int, int64_t *value)
{
    if (!element || !PyLong_Check(element)) {
        return raise_text(PyExc_TypeError, not_int);
    }
    *value = PyLong_AsLongLong(element);
    if (*value == -1 && PyErr_Occurred()) {
        return raise_text(PyExc_ValueError, "PyLong_AsLongLong failed");
    }
    return true;
}

bool read_dims(PyObject *object, struct list64 *list)
{
    if (!PyList_Check(object)) {
        return raise_text(PyExc_TypeError, "argument 2 is not list");
    }
    list->count = (size_t)PyList_Size(object);
    list->items = numbers(list->count);
    if (!list->items) {
        return false;
    }
    for (size_t index = 0; index < list->count; index++) {
        PyObject *element = PyList_GetItem(object, (Py_ssize_t)index);
        if (!read_element(element, "invalid data type", &list->items[index])) {
            return false;
        }
    }
    return true;
}

/* A list of [least, greatest] lists; further items of an inner list are ignored. */
static bool read_ranges(PyObject *object, const char *not_list, struct list64 *list)
{
    if (!PyList_Check(object)) {
        return raise_text(PyExc_TypeError, not_list);
    }
    list->count = (size_t)PyList_Size(object);
    list->items = numbers(list->count * 2);
    if (!list->items) {
        return false;
    }
    for (size_t index = 0; index < list->count; index++) {
        PyObject *pair = PyList_GetItem(object, (Py_ssize_t)index);
        if (!pair || !PyList_Check(pair)) {
            return raise_text(PyExc_TypeError, "the list argument is not list");
        }
        for (Py_ssize_t end = 0; end < 2; end++) {
            PyObject *element = end < PyList_Size(pair) ? PyList_GetItem(pair, end) : NULL;
            if (!read_element(element, "the list argument is not list of int", &list->items[index * 2 + (size_t)end])) {
                return false;
            }
        }
    }
    return true;
}

bool read_shape_range(PyObject *object, struct list64 *list)
{
    return read_ranges(object, "argument 2 is not list", list);
}

bool read_value_range(PyObject *object, struct list64 *list)
{
    return read_ranges(object, "int64_t argument is not list", list);
}

bool read_notifies(PyObject *object, struct list64 *list)
{
    if (!PyList_Check(object)) {
        return raise_text(PyExc_ValueError, "argument only support the format of list");
    }
    list->count = (size_t)PyList_Size(object);
    list->items = numbers(list->count);
    for (size_t index = 0; list->items && index < list->count; index++) {
        PyObject *element = PyList_GetItem(object, (Py_ssize_t)index);
        void *handle = element && PyLong_Check(element) ? PyLong_AsVoidPtr(element) : NULL;
        if (!element || !PyLong_Check(element) || PyErr_Occurred()) {
            return raise_text(PyExc_ValueError, "get notify pointers from PyList failed");
        }
        list->items[index] = (int64_t)(intptr_t)handle;
    }
    return list->items != NULL;
}

bool read_pids(PyObject *object, struct list32 *list)
{
    if (!PyList_Check(object)) {
        return raise_text(PyExc_ValueError, "argument 2 only support the format of list");
    }
    list->count = (size_t)PyList_Size(object);
    list->items = calloc(list->count ? list->count : 1, sizeof(int32_t));
    if (!list->items) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t index = 0; index < list->count; index++) {
        PyObject *element = PyList_GetItem(object, (Py_ssize_t)index);
        if (!element || !PyLong_Check(element) || !read_i(element, &list->items[index])) {
            return raise_text(PyExc_ValueError, "get values from PyList failed");
        }
    }
    return true;
}

void free_list64(struct list64 *list)
{
    free(list->items);
}

void free_list32(struct list32 *list)
{
    free(list->items);
}

PyObject *bounded_text(const char *text, size_t size)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strnlen(text, size), NULL);
}

/* C promises counts within its arrays; a count beyond is cut rather than followed. */
static size_t within(size_t count, size_t limit)
{
    return count < limit ? count : limit;
}

static PyObject *number(int64_t value, bool is_signed)
{
    return is_signed ? make_L(value) : make_k((uint64_t)value);
}

static PyObject *number_list(const int64_t *values, size_t count, bool is_signed)
{
    PyObject *list = PyList_New(0);
    for (size_t index = 0; list && index < count; index++) {
        PyObject *item = number(values[index], is_signed);
        if (!item || PyList_Append(list, item)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *pair_list(const int64_t (*pairs)[2], size_t count, bool is_signed)
{
    PyObject *list = PyList_New(0);
    for (size_t index = 0; list && index < count; index++) {
        PyObject *item = number_list(pairs[index], 2, is_signed);
        if (!item || PyList_Append(list, item)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    return list;
}

/* {count_key: count, list_key: list}; takes over `list`. */
static PyObject *counted_list(const char *count_key, size_t count, const char *list_key, PyObject *list)
{
    PyObject *dict = PyDict_New();
    if (!dict) {
        Py_XDECREF(list);
        return NULL;
    }
    bool counted = put(dict, count_key, make_k(count));
    if (!put(dict, list_key, list) || !counted) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *shape_dict(const aclmdlIODims *dims, bool is_signed)
{
    size_t count = within(dims->dimCount, ACL_MAX_DIM_CNT);
    PyObject *dict = counted_list("dimCount", count, "dims", number_list(dims->dims, count, is_signed));
    if (dict && !put(dict, "name", bounded_text(dims->name, sizeof dims->name))) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *make_iodims(const aclmdlIODims *dims, aclError ret)
{
    return ret ? PyDict_New() : shape_dict(dims, true);
}

PyObject *make_dynamic_batch(const aclmdlBatch *batch, aclError ret)
{
    size_t count = within(batch->batchCount, ACL_MAX_BATCH_NUM);
    return ret ? PyDict_New()
               : counted_list("batchCount", count, "batch", number_list((const int64_t *)batch->batch, count, false));
}

PyObject *make_dynamic_hw(const aclmdlHW *sizes, aclError ret)
{
    size_t count = within(sizes->hwCount, ACL_MAX_HW_NUM);
    return ret ? PyDict_New()
               : counted_list("hwCount", count, "hw", pair_list((const int64_t (*)[2])sizes->hw, count, false));
}

PyObject *make_dims_range(const aclmdlIODimsRange *range, aclError ret)
{
    size_t count = ret ? 0 : within(range->rangeCount, ACL_MAX_DIM_CNT);
    return counted_list("rangeCount", count, "range", pair_list(range->range, count, true));
}
