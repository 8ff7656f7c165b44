/* SPDX-License-Identifier: Apache-2.0 */
/* acl.util.start_thread and stop_thread: raw OS threads whose number is the pthread_t that AscendCL wants. */
#define _GNU_SOURCE
#include "bindings.h"
#include "values.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct thread_record {
    struct thread_record *next;
    pthread_t id;
    /* A forked child has its parent's records, but not its threads. */
    pid_t process;
    bool joining;
    PyObject *function;
    PyObject *argument;
    PyObject *exception;
};

/* Reports the pending exception of a thread's function, as of every callback, and returns it for stop_thread. */
static PyObject *report_exception(PyObject *function)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback) {
        PyException_SetTraceback(value, traceback);
    }
    Py_INCREF(value);
    PyErr_Restore(type, value, traceback);
    PyErr_WriteUnraisable(function);
    return value;
}

static void *run_thread(void *argument)
{
    struct thread_record *record = argument;
    if (callbacks_are_closed()) {
        return NULL;
    }
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *passed = record->argument == Py_None ? NULL : record->argument;
    PyObject *result = PyObject_CallFunctionObjArgs(record->function, passed, NULL);
    if (!result) {
        record->exception = report_exception(record->function);
    }
    Py_XDECREF(result);
    Py_CLEAR(record->function);
    Py_CLEAR(record->argument);
    PyGILState_Release(gil);
    return NULL;
}

static void free_record(struct thread_record *record)
{
    Py_XDECREF(record->function);
    Py_XDECREF(record->argument);
    Py_XDECREF(record->exception);
    free(record);
}

PyObject *util_start_thread(PyObject *self, PyObject *thr_func, PyObject *args_list)
{
    if (!PyCallable_Check(thr_func)) {
        PyErr_SetString(PyExc_TypeError, "parameter must be callable");
        return NULL;
    }
    struct thread_record *record = calloc(1, sizeof *record);
    if (!record) {
        return PyErr_NoMemory();
    }
    Py_INCREF(thr_func);
    Py_INCREF(args_list);
    record->function = thr_func;
    record->argument = args_list;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = pthread_create(&record->id, NULL, run_thread, record);
    Py_END_ALLOW_THREADS
    if (failed) {
        free_record(record);
        return pack2(make_K(0), make_i(failed));
    }
    struct state *state = state_of(self);
    record->process = getpid();
    record->next = state->threads;
    state->threads = record;
    return pack2(make_K((uint64_t)record->id), make_i(0));
}

static struct thread_record **find_record(struct state *state, uint64_t id)
{
    struct thread_record **link = &state->threads;
    pid_t process = getpid();
    while (*link && ((uint64_t)(*link)->id != id || (*link)->process != process || (*link)->joining)) {
        link = &(*link)->next;
    }
    return link;
}

/* Joins in pieces; ETIMEDOUT when a signal has raised. */
static int join_looking_at_signals(pthread_t thread)
{
    enum { PIECE = 50000000, SECOND = 1000000000 };
    int failed;
    do {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += PIECE;
        until.tv_sec += until.tv_nsec / SECOND;
        until.tv_nsec %= SECOND;
        failed = pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until);
    } while (failed == ETIMEDOUT && !look_at_signals());
    return failed;
}

PyObject *util_stop_thread(PyObject *self, uint64_t thread_id)
{
    struct state *state = state_of(self);
    struct thread_record *record = *find_record(state, thread_id);
    if (!record) {
        /* Joining an unknown thread, or one twice, is undefined in C. */
        return make_i(ESRCH);
    }
    record->joining = true;
    struct call released;
    begin_call(&released);
    int failed = is_main_thread() ? join_looking_at_signals(record->id) : pthread_join(record->id, NULL);
    bool is_done = end_call(&released);
    record->joining = false;
    if (!is_done) {
        return NULL;
    }
    if (failed) {
        return make_i(failed);
    }
    for (struct thread_record **link = &state->threads; *link; link = &(*link)->next) {
        if (*link == record) {
            *link = record->next;
            break;
        }
    }
    PyObject *exception = record->exception;
    record->exception = NULL;
    free_record(record);
    if (!exception) {
        return make_i(0);
    }
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(exception), "__name__");
    if (name) {
        PyErr_Format(PyExc_RuntimeError, "exception=%U,msg=thread call failed;", name);
        PyObject *type, *raised, *traceback;
        PyErr_Fetch(&type, &raised, &traceback);
        PyErr_NormalizeException(&type, &raised, &traceback);
        Py_INCREF(exception);
        PyException_SetCause(raised, exception);
        PyErr_Restore(type, raised, traceback);
        Py_DECREF(name);
    }
    Py_DECREF(exception);
    return NULL;
}
