/* SPDX-License-Identifier: Apache-2.0 */
/* The AscendCL library that the module drives: ours, or the one that PYACLMDL_LIBRARY names. */
#include "native.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static void *library;
static char *library_path;

/* A thread of an execution that waits for another one spins before it sleeps, by default so long that it takes the core
   from that other one where programs keep all cores busy. The OpenMP library reads this setting when it is loaded;
   what the user has set holds, and the environment is left as it was. */
static void *open_with_short_spins(const char *path)
{
    const bool is_free = !getenv("GOMP_SPINCOUNT") && !getenv("OMP_WAIT_POLICY");
    if (is_free) {
        setenv("GOMP_SPINCOUNT", "1000", 1);
    }
    void *opened = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (is_free) {
        unsetenv("GOMP_SPINCOUNT");
    }
    return opened;
}

/* Opens the library once per process; ImportError with the loader's reason when that fails. */
bool open_library(const char *path)
{
    if (library) {
        return true;
    }
    library = open_with_short_spins(path);
    if (!library) {
        PyErr_Format(PyExc_ImportError, "acl cannot load the AscendCL library: %s", dlerror());
        return false;
    }
    library_path = strdup(path);
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
