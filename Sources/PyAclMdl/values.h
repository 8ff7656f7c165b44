/* SPDX-License-Identifier: Apache-2.0 */
/* Conversion of single values, one pair of functions per unit of PyArg_ParseTuple and Py_BuildValue.
 *
 * A reader returns false when CPython would refuse the object; an exception may then be pending, and the caller
 * replaces it. k and K take int and its subclasses only; the other integer units take anything with __index__.
 * Unsigned units cut to their width.
 */
#ifndef PYACLMDL_VALUES_H
#define PYACLMDL_VALUES_H

#include "native.h"

#include <limits.h>
#include <string.h>

static inline bool read_k(PyObject *object, uint64_t *value)
{
    if (!PyLong_Check(object)) {
        return false;
    }
    *value = PyLong_AsUnsignedLongLongMask(object);
    return *value != UINT64_MAX || !PyErr_Occurred();
}

static inline bool read_K(PyObject *object, uint64_t *value)
{
    return read_k(object, value);
}

static inline bool read_masked(PyObject *object, unsigned long *value)
{
    *value = PyLong_AsUnsignedLongMask(object);
    return *value != ULONG_MAX || !PyErr_Occurred();
}

static inline bool read_I(PyObject *object, uint32_t *value)
{
    unsigned long wide;
    bool read = read_masked(object, &wide);
    *value = (uint32_t)wide;
    return read;
}

static inline bool read_H(PyObject *object, uint16_t *value)
{
    unsigned long wide;
    bool read = read_masked(object, &wide);
    *value = (uint16_t)wide;
    return read;
}

static inline bool read_B(PyObject *object, uint8_t *value)
{
    unsigned long wide;
    bool read = read_masked(object, &wide);
    *value = (uint8_t)wide;
    return read;
}

static inline bool read_range(PyObject *object, long least, long greatest, long *value)
{
    *value = PyLong_AsLong(object);
    return *value >= least && *value <= greatest && (*value != -1 || !PyErr_Occurred());
}

static inline bool read_b(PyObject *object, uint8_t *value)
{
    long wide;
    bool read = read_range(object, 0, UINT8_MAX, &wide);
    *value = (uint8_t)wide;
    return read;
}

static inline bool read_h(PyObject *object, int16_t *value)
{
    long wide;
    bool read = read_range(object, INT16_MIN, INT16_MAX, &wide);
    *value = (int16_t)wide;
    return read;
}

static inline bool read_i(PyObject *object, int32_t *value)
{
    long wide;
    bool read = read_range(object, INT32_MIN, INT32_MAX, &wide);
    *value = (int32_t)wide;
    return read;
}

static inline bool read_L(PyObject *object, int64_t *value)
{
    *value = PyLong_AsLongLong(object);
    return *value != -1 || !PyErr_Occurred();
}

static inline bool read_l(PyObject *object, int64_t *value)
{
    return read_L(object, value);
}

static inline bool read_f(PyObject *object, float *value)
{
    double wide = PyFloat_AsDouble(object);
    *value = (float)wide;
    return wide != -1.0 || !PyErr_Occurred();
}

static inline bool read_d(PyObject *object, double *value)
{
    *value = PyFloat_AsDouble(object);
    return *value != -1.0 || !PyErr_Occurred();
}

/* The text lives as long as the object. */
static inline bool read_s(PyObject *object, const char **value)
{
    Py_ssize_t size;
    if (!PyUnicode_Check(object)) {
        return false;
    }
    *value = PyUnicode_AsUTF8AndSize(object, &size);
    return *value && strlen(*value) == (size_t)size;
}

static inline PyObject *make_none(void)
{
    Py_INCREF(Py_None);
    return Py_None;
}

static inline PyObject *make_k(uint64_t value)
{
    return PyLong_FromUnsignedLongLong(value);
}

static inline PyObject *make_K(uint64_t value)
{
    return PyLong_FromUnsignedLongLong(value);
}

static inline PyObject *make_I(uint32_t value)
{
    return PyLong_FromUnsignedLong(value);
}

static inline PyObject *make_H(uint16_t value)
{
    return PyLong_FromLong(value);
}

static inline PyObject *make_B(uint8_t value)
{
    return PyLong_FromLong(value);
}

static inline PyObject *make_i(int32_t value)
{
    return PyLong_FromLong(value);
}

static inline PyObject *make_l(int64_t value)
{
    return PyLong_FromLongLong(value);
}

static inline PyObject *make_L(int64_t value)
{
    return PyLong_FromLongLong(value);
}

static inline PyObject *make_f(float value)
{
    return PyFloat_FromDouble(value);
}

static inline PyObject *make_d(double value)
{
    return PyFloat_FromDouble(value);
}

static inline PyObject *make_s(const char *text)
{
    return text ? PyUnicode_FromString(text) : make_none();
}

/* Tuples of new references; a NULL among them means that making it raised. */
static inline PyObject *pack_items(PyObject **items, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    bool complete = tuple != NULL;
    for (Py_ssize_t index = 0; index < count; index++) {
        complete = complete && items[index];
        if (tuple && items[index]) {
            PyTuple_SetItem(tuple, index, items[index]);
        } else {
            Py_XDECREF(items[index]);
        }
    }
    if (!complete) {
        Py_XDECREF(tuple);
        return NULL;
    }
    return tuple;
}

/* The commonest case: one call that makes and fills the tuple. */
static inline PyObject *pack2(PyObject *first, PyObject *second)
{
    PyObject *tuple = first && second ? PyTuple_Pack(2, first, second) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(second);
    return tuple;
}

#define pack3(a, b, c) pack_items((PyObject *[]){a, b, c}, 3)
#define pack4(a, b, c, d) pack_items((PyObject *[]){a, b, c, d}, 4)
#define pack5(a, b, c, d, e) pack_items((PyObject *[]){a, b, c, d, e}, 5)
#define pack6(a, b, c, d, e, f) pack_items((PyObject *[]){a, b, c, d, e, f}, 6)

#endif
