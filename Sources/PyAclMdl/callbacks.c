/* SPDX-License-Identifier: Apache-2.0 */
/* Python functions that C calls. Each entry takes the GIL, so C may call from any thread. */
#include "bindings.h"
#include "values.h"

#include <stdatomic.h>
#include <stdlib.h>

struct state *callback_state;
static atomic_bool closed;

PyObject *close_callbacks(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    atomic_store(&closed, true);
    return make_none();
}

/* True from interpreter exit on, when taking the GIL is no longer possible. */
bool callbacks_are_closed(void)
{
    return atomic_load(&closed);
}

/* Replaces a held function; `function` may be NULL. */
static void hold(PyObject **slot, PyObject *function)
{
    PyObject *old = *slot;
    Py_XINCREF(function);
    *slot = function;
    Py_XDECREF(old);
}

struct launched {
    PyObject *function;
    PyObject *argument;
};

/* A callback on its way through Python: it takes the GIL, and what was raised around it waits meanwhile. */
struct visit {
    PyGILState_STATE gil;
    PyObject *type, *value, *traceback;
};

static void enter_python(struct visit *visit)
{
    visit->gil = PyGILState_Ensure();
    PyErr_Fetch(&visit->type, &visit->value, &visit->traceback);
}

/* A callback has no caller in Python that could catch what it raises, so it goes to sys.unraisablehook; but Ctrl-C ends
 * the call that runs the callback. */
static void leave_python(struct visit *visit, PyObject *function)
{
    if (PyErr_Occurred() && interrupt_call()) {
        Py_XDECREF(visit->type);
        Py_XDECREF(visit->value);
        Py_XDECREF(visit->traceback);
    } else {
        if (PyErr_Occurred()) {
            PyErr_WriteUnraisable(function);
        }
        PyErr_Restore(visit->type, visit->value, visit->traceback);
    }
}

static void run_launched(void *user_data)
{
    struct launched *launched = user_data;
    if (callbacks_are_closed()) {
        return;
    }
    struct visit visit;
    enter_python(&visit);
    Py_XDECREF(PyObject_CallFunctionObjArgs(launched->function, launched->argument, NULL));
    leave_python(&visit, launched->function);
    Py_DECREF(launched->function);
    Py_DECREF(launched->argument);
    free(launched);
    PyGILState_Release(visit.gil);
}

PyObject *rt_launch_callback(PyObject *self, aclrtLaunchCallback_fn call, PyObject *fn, PyObject *user_data_list,
    int32_t block_type, uint64_t stream)
{
    (void)self;
    if (!PyCallable_Check(fn)) {
        PyErr_SetString(PyExc_TypeError, "parameter must be callable");
        return NULL;
    }
    struct launched *launched = malloc(sizeof *launched);
    if (!launched) {
        return PyErr_NoMemory();
    }
    Py_INCREF(fn);
    Py_INCREF(user_data_list);
    *launched = (struct launched){fn, user_data_list};
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call(run_launched, launched, (aclrtCallbackBlockType)block_type, (aclrtStream)(uintptr_t)stream);
    Py_END_ALLOW_THREADS
    if (ret) {
        Py_DECREF(fn);
        Py_DECREF(user_data_list);
        free(launched);
    }
    return make_i(ret);
}

static void report_exception_info(aclrtExceptionInfo *info)
{
    if (callbacks_are_closed()) {
        return;
    }
    struct visit visit;
    enter_python(&visit);
    PyObject *function = callback_state ? callback_state->exception_callback : NULL;
    Py_XINCREF(function);
    if (function) {
        Py_XDECREF(PyObject_CallFunction(function, "K", (unsigned long long)(uintptr_t)info));
    }
    leave_python(&visit, function);
    Py_XDECREF(function);
    PyGILState_Release(visit.gil);
}

PyObject *rt_set_exception_info_callback(PyObject *self, aclrtSetExceptionInfoCallback_fn call, PyObject *fn)
{
    bool remove = !fn || fn == Py_None;
    if (!remove && !PyCallable_Check(fn)) {
        return refuse("acl.rt.set_exception_info_callback args parse failed");
    }
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call(remove ? NULL : report_exception_info);
    Py_END_ALLOW_THREADS
    if (!ret) {
        struct state *state = callback_state = state_of(self);
        hold(&state->exception_callback, remove ? NULL : fn);
    }
    return make_i(ret);
}

static PyObject *chunk_dict(const struct dump_chunk *chunk)
{
    PyObject *dict = PyDict_New();
    if (dict && !(put(dict, "file_name", bounded_text(chunk->file_name, sizeof chunk->file_name)) &&
                    put(dict, "data_buf", make_k((uintptr_t)chunk->data)) &&
                    put(dict, "buf_len", make_I(chunk->length)) && put(dict, "is_last_chunk", make_I(chunk->is_last)) &&
                    put(dict, "offset", make_k((uint64_t)chunk->offset)) && put(dict, "flag", make_i(chunk->flag)))) {
        Py_CLEAR(dict);
    }
    return dict;
}

static int32_t report_dump_chunk(const struct dump_chunk *chunk, int32_t length)
{
    (void)length;
    if (callbacks_are_closed()) {
        return -1;
    }
    int32_t answer = -1;
    struct visit visit;
    enter_python(&visit);
    PyObject *function = callback_state ? callback_state->dump_callback : NULL;
    Py_XINCREF(function);
    if (function) {
        PyObject *dict = chunk_dict(chunk);
        PyObject *result = dict ? PyObject_CallFunctionObjArgs(function, dict, NULL) : NULL;
        answer = result ? 0 : -1;
        Py_XDECREF(dict);
        Py_XDECREF(result);
    }
    leave_python(&visit, function);
    Py_XDECREF(function);
    PyGILState_Release(visit.gil);
    return answer;
}

PyObject *mdl_dump_reg_callback(PyObject *self, acldumpRegCallback_fn call, PyObject *func, int32_t flag)
{
    aclError ret;
    Py_BEGIN_ALLOW_THREADS
    ret = call(report_dump_chunk, flag);
    Py_END_ALLOW_THREADS
    if (!ret) {
        struct state *state = callback_state = state_of(self);
        hold(&state->dump_callback, func);
    }
    return make_i(ret);
}

PyObject *mdl_dump_unreg_callback(PyObject *self, acldumpUnregCallback_fn call)
{
    Py_BEGIN_ALLOW_THREADS
    call();
    Py_END_ALLOW_THREADS
    hold(&state_of(self)->dump_callback, NULL);
    return make_none();
}

/* Calls an allocator function of Python. Its int is the address; a raise is reported and gives NULL. */
static void *call_allocator(
    enum allocator_function kind, const char *format, uint64_t first, uint64_t second, uint64_t third)
{
    if (callbacks_are_closed()) {
        return NULL;
    }
    void *address = NULL;
    struct visit visit;
    enter_python(&visit);
    PyObject *function = callback_state ? callback_state->allocator_functions[kind] : NULL;
    Py_XINCREF(function);
    if (function) {
        PyObject *result = PyObject_CallFunction(
            function, format, (unsigned long long)first, (unsigned long long)second, (unsigned long long)third);
        if (result && kind != ALLOCATOR_FREE && result != Py_None) {
            address = PyLong_AsVoidPtr(result);
        }
        if (PyErr_Occurred()) {
            address = NULL;
        }
        Py_XDECREF(result);
    }
    leave_python(&visit, function);
    Py_XDECREF(function);
    PyGILState_Release(visit.gil);
    return address;
}

static void *allocator_alloc(aclrtAllocator allocator, size_t size)
{
    return call_allocator(ALLOCATOR_ALLOC, "KK", (uintptr_t)allocator, size, 0);
}

static void allocator_free(aclrtAllocator allocator, aclrtAllocatorBlock block)
{
    call_allocator(ALLOCATOR_FREE, "KK", (uintptr_t)allocator, (uintptr_t)block, 0);
}

static void *allocator_alloc_advise(aclrtAllocator allocator, size_t size, aclrtAllocatorAddr address)
{
    return call_allocator(ALLOCATOR_ALLOC_ADVISE, "KKK", (uintptr_t)allocator, size, (uintptr_t)address);
}

static void *allocator_get_addr(aclrtAllocatorBlock block)
{
    return call_allocator(ALLOCATOR_GET_ADDR, "K", (uintptr_t)block, 0, 0);
}

/* Keeps the function when C took the trampoline. */
static PyObject *hold_allocator(PyObject *self, enum allocator_function kind, PyObject *func, aclError ret)
{
    if (!ret) {
        struct state *state = callback_state = state_of(self);
        hold(&state->allocator_functions[kind], func);
    }
    return make_i(ret);
}

PyObject *rt_allocator_set_alloc_func_to_desc(
    PyObject *self, aclrtAllocatorSetAllocFuncToDesc_fn call, uint64_t allocator_desc, PyObject *func)
{
    return hold_allocator(
        self, ALLOCATOR_ALLOC, func, call((aclrtAllocatorDesc)(uintptr_t)allocator_desc, allocator_alloc));
}

PyObject *rt_allocator_set_free_func_to_desc(
    PyObject *self, aclrtAllocatorSetFreeFuncToDesc_fn call, uint64_t allocator_desc, PyObject *func)
{
    return hold_allocator(
        self, ALLOCATOR_FREE, func, call((aclrtAllocatorDesc)(uintptr_t)allocator_desc, allocator_free));
}

PyObject *rt_allocator_set_alloc_advise_func_to_desc(
    PyObject *self, aclrtAllocatorSetAllocAdviseFuncToDesc_fn call, uint64_t allocator_desc, PyObject *func)
{
    return hold_allocator(self, ALLOCATOR_ALLOC_ADVISE, func,
        call((aclrtAllocatorDesc)(uintptr_t)allocator_desc, allocator_alloc_advise));
}

PyObject *rt_allocator_set_get_addr_from_block_func_to_desc(
    PyObject *self, aclrtAllocatorSetGetAddrFromBlockFuncToDesc_fn call, uint64_t allocator_desc, PyObject *func)
{
    return hold_allocator(
        self, ALLOCATOR_GET_ADDR, func, call((aclrtAllocatorDesc)(uintptr_t)allocator_desc, allocator_get_addr));
}
