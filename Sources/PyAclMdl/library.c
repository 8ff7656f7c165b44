/* SPDX-License-Identifier: Apache-2.0 */
/* The AscendCL library that the module drives: ours, or the one that PYACLMDL_LIBRARY names. */
#include "native.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static void *library;
static char *library_path;
void (*set_interruption)(int32_t (*is_interrupted)(void));

/* Opens the library once per process; ImportError with the loader's reason when that fails. */
bool open_library(const char *path)
{
    if (library) {
        return true;
    }
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        PyErr_Format(PyExc_ImportError, "acl cannot load the AscendCL library: %s", dlerror());
        return false;
    }
    library_path = strdup(path);
    *(void **)&set_interruption = dlsym(library, "pyaclmdlSetInterruption");
    watch_threads();
    return true;
}

void *find_c_function(int index)
{
    void *found = library ? dlsym(library, c_function_names[index]) : NULL;
    if (!found) {
        PyErr_Format(PyExc_RuntimeError, "the AscendCL library %s has no function %s",
            library_path ? library_path : "(none loaded)", c_function_names[index]);
        return NULL;
    }
    c_functions[index] = found;
    return found;
}
