/* SPDX-License-Identifier: Apache-2.0 */
/* acl.util: addresses of Python objects, and Python objects over addresses. */
#include "bindings.h"
#include "values.h"

#include <string.h>

enum { LARGE_COPY = 1 << 20, LEAST_KEPT = 2 };
/* Arguments kept alive hold at most this much, the newest LEAST_KEPT aside. */
static const Py_ssize_t MOST_KEPT_BYTES = 64 << 20;

static void drop_slot(struct state *state, int slot)
{
    state->kept_sizes[slot] = 0;
    Py_CLEAR(state->kept[slot]);
}

/* Programs pass temporaries inline, `memcpy(p, n, bytes_to_ptr(a.tobytes()), n, 1)`: the object would be gone before
 * C reads it. The last few arguments are therefore kept alive. */
static void keep_argument(struct state *state, PyObject *object, Py_ssize_t size)
{
    int slot = state->next_kept;
    state->next_kept = (slot + 1) % KEPT_ARGUMENTS;
    PyObject *old = state->kept[slot];
    Py_INCREF(object);
    state->kept[slot] = object;
    state->kept_sizes[slot] = size;
    Py_ssize_t total = 0;
    for (int age = 0; age < KEPT_ARGUMENTS; age++) {
        int index = (slot - age + KEPT_ARGUMENTS) % KEPT_ARGUMENTS;
        total += state->kept_sizes[index];
        if (age >= LEAST_KEPT && total > MOST_KEPT_BYTES) {
            total -= state->kept_sizes[index];
            drop_slot(state, index);
        }
    }
    Py_XDECREF(old);
}

void drop_kept_arguments(struct state *state)
{
    for (int slot = 0; slot < KEPT_ARGUMENTS; slot++) {
        drop_slot(state, slot);
    }
}

int visit_kept_arguments(struct state *state, visitproc visit, void *arg)
{
    for (int slot = 0; slot < KEPT_ARGUMENTS; slot++) {
        Py_VISIT(state->kept[slot]);
    }
    return 0;
}

PyObject *util_bytes_to_ptr(PyObject *self, PyObject *bytes)
{
    if (!PyBytes_Check(bytes)) {
        PyErr_SetString(PyExc_ValueError, "needs an byte as argument");
        return NULL;
    }
    keep_argument(state_of(self), bytes, PyBytes_Size(bytes));
    return make_k((uintptr_t)PyBytes_AsString(bytes));
}

PyObject *util_ptr_to_bytes(PyObject *self, uint64_t ptr, uint64_t size)
{
    (void)self;
    /* Without a source, CPython makes a new object even of one byte; its shared ones must not be written through. */
    PyObject *bytes = size > PY_SSIZE_T_MAX ? NULL : PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (!bytes) {
        PyErr_Clear();
        PyErr_SetString(PyExc_ValueError, "convert c pointer to bytes failed");
        return NULL;
    }
    char *target = PyBytes_AsString(bytes);
    if (!ptr) {
        memset(target, 0, size);
    } else if (size < LARGE_COPY) {
        memcpy(target, (const void *)(uintptr_t)ptr, size);
    } else {
        Py_BEGIN_ALLOW_THREADS
        memcpy(target, (const void *)(uintptr_t)ptr, size);
        Py_END_ALLOW_THREADS
    }
    return bytes;
}

/* numpy's module; it is imported at the first use only. */
static PyObject *warn_and_import_numpy(const char *warning)
{
    return PyErr_WarnEx(PyExc_Warning, warning, 1) ? NULL : PyImport_ImportModule("numpy");
}

/* 1 for an ndarray or a subclass, 0 with ValueError set for anything else, -1 on other errors. */
static int check_array(PyObject *numpy, PyObject *object)
{
    PyObject *type = PyObject_GetAttrString(numpy, "ndarray");
    int is_array = type ? PyObject_IsInstance(object, type) : -1;
    Py_XDECREF(type);
    if (is_array == 0) {
        PyErr_SetString(PyExc_ValueError, "needs an ndarray as argument");
    }
    return is_array;
}

static int is_contiguous(PyObject *array)
{
    PyObject *flags = PyObject_GetAttrString(array, "flags");
    PyObject *flag = flags ? PyObject_GetAttrString(flags, "c_contiguous") : NULL;
    int contiguous = flag ? PyObject_IsTrue(flag) : -1;
    Py_XDECREF(flag);
    Py_XDECREF(flags);
    return contiguous;
}

/* The address of the first element as a Python int. Keeps the array alive for a while. */
static PyObject *array_address(PyObject *self, PyObject *array)
{
    PyObject *interface = PyObject_GetAttrString(array, "__array_interface__");
    PyObject *data = interface ? PyMapping_GetItemString(interface, "data") : NULL;
    PyObject *address = data ? PySequence_GetItem(data, 0) : NULL;
    PyObject *size = address ? PyObject_GetAttrString(array, "nbytes") : NULL;
    Py_ssize_t bytes = size ? PyLong_AsSsize_t(size) : -1;
    Py_XDECREF(size);
    Py_XDECREF(data);
    Py_XDECREF(interface);
    if (bytes < 0) {
        Py_XDECREF(address);
        return NULL;
    }
    keep_argument(state_of(self), array, bytes);
    return address;
}

PyObject *util_numpy_to_ptr(PyObject *self, PyObject *ndarray)
{
    PyObject *numpy = warn_and_import_numpy("numpy_to_ptr is deprecated: use ndarray.tobytes() and bytes_to_ptr");
    PyObject *address = NULL;
    if (numpy && check_array(numpy, ndarray) == 1) {
        int contiguous = is_contiguous(ndarray);
        if (contiguous == 1 ||
            (contiguous == 0 && !PyErr_WarnEx(PyExc_Warning,
                                    "the array is not C-contiguous: the address is that of strided data", 1))) {
            address = array_address(self, ndarray);
        }
    }
    Py_XDECREF(numpy);
    return address;
}

PyObject *util_numpy_contiguous_to_ptr(PyObject *self, PyObject *ndarray)
{
    PyObject *numpy =
        warn_and_import_numpy("numpy_contiguous_to_ptr is deprecated: use ndarray.tobytes() and bytes_to_ptr");
    PyObject *result = NULL;
    if (numpy && check_array(numpy, ndarray) == 1) {
        int contiguous = is_contiguous(ndarray);
        PyObject *array = NULL;
        if (contiguous == 1) {
            Py_INCREF(ndarray);
            array = ndarray;
        } else if (contiguous == 0) {
            array = PyObject_CallMethod(numpy, "ascontiguousarray", "O", ndarray);
        }
        PyObject *address = array ? array_address(self, array) : NULL;
        if (address) {
            result = pack2(address, array);
        } else {
            Py_XDECREF(array);
        }
    }
    Py_XDECREF(numpy);
    return result;
}

/* numpy's table of C functions has kept its order since 1.0; PyArray_New is entry 93. */
enum { PYARRAY_NEW = 93, WRITEABLE_AND_C_ORDER = 0x0400 | 0x0001, MOST_DIMENSIONS = 64 };
typedef PyObject *(*array_new)(PyObject *type, int dimensions, const intptr_t *shape, int type_number,
    const intptr_t *strides, void *data, int item_size, int flags, PyObject *object);

static array_new find_array_new(void)
{
    PyObject *module = PyImport_ImportModule("numpy._core._multiarray_umath");
    if (!module && PyErr_ExceptionMatches(PyExc_ModuleNotFoundError)) {
        /* numpy 1. */
        PyErr_Clear();
        module = PyImport_ImportModule("numpy.core._multiarray_umath");
    }
    PyObject *capsule = module ? PyObject_GetAttrString(module, "_ARRAY_API") : NULL;
    void **functions = capsule ? PyCapsule_GetPointer(capsule, NULL) : NULL;
    Py_XDECREF(capsule);
    Py_XDECREF(module);
    return functions ? (array_new)functions[PYARRAY_NEW] : NULL;
}

static bool read_shape(PyObject *shape, intptr_t *sizes, Py_ssize_t *count)
{
    if (!PyTuple_Check(shape)) {
        PyErr_SetString(PyExc_ValueError, "shape is empty");
        return false;
    }
    *count = PyTuple_Size(shape);
    if (*count > MOST_DIMENSIONS) {
        PyErr_Format(PyExc_ValueError, "shape has %zd dimensions, numpy takes at most %d", *count, MOST_DIMENSIONS);
        return false;
    }
    for (Py_ssize_t index = 0; index < *count; index++) {
        PyObject *item = PyTuple_GetItem(shape, index);
        if (!PyLong_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "the second argument is not list of int");
            return false;
        }
        sizes[index] = (intptr_t)PyLong_AsVoidPtr(item);
        if (PyErr_Occurred()) {
            PyErr_Clear();
            PyErr_SetString(PyExc_ValueError, "PyLong_AsVoidPtr failed");
            return false;
        }
    }
    return true;
}

/* Numbers of types with items of a fixed size and without references: all of numpy's but object (17), bytes, str and
 * void (18 to 20). Beyond the last, half precision (23), numpy does not check safely. */
static bool type_has_plain_items(int32_t type)
{
    return (type >= 0 && type < 17) || (type > 20 && type < 24);
}

PyObject *util_ptr_to_numpy(PyObject *self, uint64_t ptr, PyObject *shape, int32_t type)
{
    (void)self;
    PyObject *numpy = warn_and_import_numpy("ptr_to_numpy is deprecated: use ptr_to_bytes and numpy.frombuffer");
    if (!numpy) {
        return NULL;
    }
    intptr_t sizes[MOST_DIMENSIONS];
    Py_ssize_t count;
    PyObject *array = NULL;
    array_new make_array = read_shape(shape, sizes, &count) ? find_array_new() : NULL;
    if (make_array && !type_has_plain_items(type)) {
        PyErr_Format(PyExc_ValueError, "type %d is no numpy type with fixed items of plain data", (int)type);
    } else if (make_array) {
        PyObject *array_type = PyObject_GetAttrString(numpy, "ndarray");
        if (array_type) {
            array = make_array(
                array_type, (int)count, sizes, type, NULL, (void *)(uintptr_t)ptr, 0, WRITEABLE_AND_C_ORDER, NULL);
            Py_DECREF(array_type);
        }
    }
    Py_DECREF(numpy);
    return array;
}
