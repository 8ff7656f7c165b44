/* SPDX-License-Identifier: Apache-2.0 */
/* The extension module acl._native. It fills the package `acl` and its submodules with the generated functions. */
#include "bindings.h"

#include <string.h>

extern const struct module_table module_tables[];

static int add_functions(PyObject *module, PyMethodDef *methods, PyObject *self, PyObject *module_name)
{
    for (; methods->ml_name; methods++) {
        PyObject *function = PyCFunction_NewEx(methods, self, module_name);
        if (!function) {
            return -1;
        }
        int failed = PyObject_SetAttrString(module, methods->ml_name, function);
        Py_DECREF(function);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

/* A submodule is an attribute of the package and stands in sys.modules, so every way of importing it works. */
static PyObject *make_submodule(PyObject *package, const char *name)
{
    PyObject *module = PyImport_AddModule(name);
    if (!module || PyObject_SetAttrString(package, strrchr(name, '.') + 1, module)) {
        return NULL;
    }
    return module;
}

/* populate(package, library): loads the library and creates all functions.
 *
 * In the package, functions have it as __self__ and its name as __module__; in submodules both are None, as on the
 * original, except that functions which keep Python objects need the extension module as __self__.
 */
static PyObject *populate(PyObject *native, PyObject *args)
{
    PyObject *package;
    const char *path;
    if (!PyArg_ParseTuple(args, "Os:populate", &package, &path) || !open_library(path)) {
        return NULL;
    }
    for (const struct module_table *table = module_tables; table->name; table++) {
        bool top = !strchr(table->name, '.');
        PyObject *module = top ? package : make_submodule(package, table->name);
        PyObject *name = top ? PyUnicode_FromString(table->name) : NULL;
        if (!module || (top && !name)) {
            return NULL;
        }
        int failed = add_functions(module, table->plain, top ? package : NULL, name) ||
                     add_functions(module, table->with_state, top ? package : native, name);
        Py_XDECREF(name);
        if (failed) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static PyMethodDef native_methods[] = {
    {"populate", populate, METH_VARARGS, "populate(package, library)\n--\n\nload the library, create the functions"},
    {"close_callbacks", close_callbacks, METH_NOARGS,
        "close_callbacks()\n--\n\nlet no callback enter Python any more; called at exit"},
    {NULL, NULL, 0, NULL},
};

static int traverse(PyObject *native, visitproc visit, void *arg)
{
    struct state *state = state_of(native);
    if (!state) {
        return 0;
    }
    Py_VISIT(state->exception_callback);
    Py_VISIT(state->dump_callback);
    for (int index = 0; index < ALLOCATOR_COUNT; index++) {
        Py_VISIT(state->allocator_functions[index]);
    }
    return visit_kept_arguments(state, visit, arg);
}

static int clear(PyObject *native)
{
    struct state *state = state_of(native);
    if (!state) {
        return 0;
    }
    if (callback_state == state) {
        callback_state = NULL;
    }
    Py_CLEAR(state->exception_callback);
    Py_CLEAR(state->dump_callback);
    for (int index = 0; index < ALLOCATOR_COUNT; index++) {
        Py_CLEAR(state->allocator_functions[index]);
    }
    drop_kept_arguments(state);
    return 0;
}

static void release(void *native)
{
    clear((PyObject *)native);
}

static PyModuleDef_Slot slots[] = {{0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "acl._native",
    .m_doc = "The functions of acl, made from one table.",
    .m_size = sizeof(struct state),
    .m_methods = native_methods,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
