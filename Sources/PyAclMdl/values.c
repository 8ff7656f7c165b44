/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

#include <stdarg.h>

/* Replaces whatever the conversion raised by the function's one TypeError. */
PyObject *refuse(const char *message)
{
    PyErr_Clear();
    PyErr_SetString(PyExc_TypeError, message);
    return NULL;
}

/* For the few functions whose argument errors are CPython's own. */
bool parse_like_python(PyObject *const *args, Py_ssize_t nargs, const char *format, ...)
{
    PyObject *tuple = PyTuple_New(nargs);
    if (!tuple) {
        return false;
    }
    for (Py_ssize_t index = 0; index < nargs; index++) {
        Py_INCREF(args[index]);
        PyTuple_SetItem(tuple, index, args[index]);
    }
    va_list targets;
    va_start(targets, format);
    int parsed = PyArg_VaParse(tuple, format, targets);
    va_end(targets);
    /* Objects stored through O stay alive: the caller holds them in args. */
    Py_DECREF(tuple);
    return parsed;
}
