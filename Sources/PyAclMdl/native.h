/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the extension share: the library that is driven, the module's state, refusing arguments. */
#ifndef PYACLMDL_NATIVE_H
#define PYACLMDL_NATIVE_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acl/acl.h"
#include "acl/acl_rt_allocator.h"
#include "acl/ops/acl_dvpp.h"

/* One piece of a dumped tensor; `data` follows the head. */
struct dump_chunk {
    char file_name[4096];
    uint32_t length;
    uint32_t is_last;
    int64_t offset;
    int32_t flag;
    uint8_t data[];
};
typedef int32_t (*acldumpCallback)(const struct dump_chunk *chunk, int32_t length);

enum { KEPT_ARGUMENTS = 16 };

enum allocator_function {
    ALLOCATOR_ALLOC,
    ALLOCATOR_FREE,
    ALLOCATOR_ALLOC_ADVISE,
    ALLOCATOR_GET_ADDR,
    ALLOCATOR_COUNT
};

struct thread_record;

/* Python objects that outlive a call. All access holds the GIL. */
struct state {
    PyObject *kept[KEPT_ARGUMENTS];
    Py_ssize_t kept_sizes[KEPT_ARGUMENTS];
    int next_kept;
    PyObject *exception_callback;
    PyObject *dump_callback;
    PyObject *allocator_functions[ALLOCATOR_COUNT];
    struct thread_record *threads;
};

/* The state behind a function that was made with the extension module as its self. */
static inline struct state *state_of(PyObject *self)
{
    return (struct state *)PyModule_GetState(self);
}

/* module.c */
struct module_table {
    const char *name;
    PyMethodDef *plain;
    PyMethodDef *with_state;
};

/* library.c: a C function of the driven library, or NULL with RuntimeError set when the library lacks it. */
extern const char *const c_function_names[];
extern const int c_function_count;
extern void *c_functions[];
bool open_library(const char *path);
void *find_c_function(int index);

static inline void *c_function(int index)
{
    void *found = c_functions[index];
    return found ? found : find_c_function(index);
}

/* Tells the library of a function of the calling thread; NULL when it is another library that knows no such thing. */
extern void (*set_interruption)(int32_t (*is_interrupted)(void));

/* calls.c: around a call of C that may take long, without the GIL. */
struct call {
    PyThreadState *python;
    struct call *outer;
    bool is_interrupted;
};
void watch_threads(void);
bool is_main_thread(void);
int32_t look_at_signals(void);
void begin_call(struct call *call);
/* False with an exception set when a signal has ended the call, whatever C answers. */
bool end_call(struct call *call);
/* In a callback that has raised: keeps a KeyboardInterrupt for the Python call around it, which raises it when it ends.
 */
bool interrupt_call(void);

/* values.c */
PyObject *refuse(const char *message);
bool parse_like_python(PyObject *const *args, Py_ssize_t nargs, const char *format, ...);

/* callbacks.c */
extern struct state *callback_state;
PyObject *close_callbacks(PyObject *self, PyObject *unused);
bool callbacks_are_closed(void);

/* util.c */
void drop_kept_arguments(struct state *state);
int visit_kept_arguments(struct state *state, visitproc visit, void *arg);

#endif
