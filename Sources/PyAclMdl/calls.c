/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that may take long: the GIL is released, and signals are looked at on the way. */
#include "native.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local struct {
    /* The call that this thread is in; calls of callbacks know the one around them. */
    struct call *innermost;
    bool is_known;
    bool is_main;
} here;

/* Asked by the library now and then while it waits or computes for the main thread. CPython's own handler of a signal
 * has only noted it; the handlers in Python, such as the one that raises KeyboardInterrupt, run here. */
int32_t look_at_signals(void)
{
    struct call *call = here.innermost;
    if (!call) {
        return 0;
    }
    if (!call->is_interrupted) {
        PyEval_RestoreThread(call->python);
        call->is_interrupted = PyErr_CheckSignals() != 0;
        call->python = PyEval_SaveThread();
    }
    return call->is_interrupted;
}

/* A library that does not know how to ask waits to the end. */
static void meet_thread(void)
{
    here.is_known = true;
    here.is_main = syscall(SYS_gettid) == getpid();
    if (here.is_main && set_interruption) {
        set_interruption(look_at_signals);
    }
}

/* The thread that forks is its child's main thread. */
static void forget_thread(void)
{
    here.is_known = false;
}

void watch_threads(void)
{
    pthread_atfork(NULL, NULL, forget_thread);
}

bool is_main_thread(void)
{
    if (!here.is_known) {
        meet_thread();
    }
    return here.is_main;
}

void begin_call(struct call *call)
{
    if (!here.is_known) {
        meet_thread();
    }
    call->outer = here.innermost;
    call->is_interrupted = false;
    here.innermost = call;
    call->python = PyEval_SaveThread();
}

bool end_call(struct call *call)
{
    PyEval_RestoreThread(call->python);
    here.innermost = call->outer;
    return !call->is_interrupted;
}

bool interrupt_call(void)
{
    if (!here.innermost || !PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        return false;
    }
    here.innermost->is_interrupted = true;
    return true;
}
