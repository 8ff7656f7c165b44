/* SPDX-License-Identifier: Apache-2.0 */
#include "containers.h"

/* The int under `key` as a borrowed reference; NULL without an exception when there is none. */
static PyObject *int_under(PyObject *dict, const char *key)
{
    PyObject *value = PyDict_GetItemString(dict, key);
    return value && PyLong_Check(value) ? value : NULL;
}

bool read_key_signed(PyObject *dict, const char *key, int64_t *value)
{
    PyObject *found = int_under(dict, key);
    *value = 0;
    if (!found) {
        return true;
    }
    *value = PyLong_AsLongLong(found);
    if (*value == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        PyErr_SetString(PyExc_ValueError, "PyLong_AsLong failed");
        return false;
    }
    return true;
}

bool read_key_unsigned(PyObject *dict, const char *key, uint64_t *value)
{
    PyObject *found = int_under(dict, key);
    *value = 0;
    if (!found) {
        return true;
    }
    *value = PyLong_AsUnsignedLongLong(found);
    if (*value == UINT64_MAX && PyErr_Occurred()) {
        PyErr_Clear();
        PyErr_SetString(PyExc_ValueError, "PyLong_AsUnsignedLong failed");
        return false;
    }
    return true;
}

bool put(PyObject *dict, const char *key, PyObject *value)
{
    if (!value) {
        return false;
    }
    int failed = PyDict_SetItemString(dict, key, value);
    Py_DECREF(value);
    return !failed;
}
