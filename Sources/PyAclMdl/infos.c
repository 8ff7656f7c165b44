/* SPDX-License-Identifier: Apache-2.0 */
/* Dicts made of the structs that queries fill. A struct that an erring call left alone is all zeros. */
#include "containers.h"
#include "values.h"

PyObject *make_utilization(const aclrtUtilizationInfo *info, aclError ret)
{
    (void)ret;
    PyObject *dict = PyDict_New();
    if (dict && !(put(dict, "cube_utilization", make_i(info->cubeUtilization)) &&
                    put(dict, "vector_utilization", make_i(info->vectorUtilization)) &&
                    put(dict, "aicpu_utilization", make_i(info->aicpuUtilization)) &&
                    put(dict, "memory_utilization", make_i(info->memoryUtilization)) &&
                    put(dict, "utilization_extend", make_i(0)))) {
        Py_CLEAR(dict);
    }
    return dict;
}

static PyObject *unsigned_list(const uint32_t *values, size_t count)
{
    PyObject *list = PyList_New(0);
    for (size_t index = 0; list && index < count; index++) {
        PyObject *item = make_I(values[index]);
        if (!item || PyList_Append(list, item)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    return list;
}

PyObject *make_pointer_attributes(const aclrtPtrAttributes *attributes, aclError ret)
{
    (void)ret;
    PyObject *location = PyDict_New();
    if (location && !(put(location, "id", make_I(attributes->location.id)) &&
                        put(location, "type", make_i((int32_t)attributes->location.type)))) {
        Py_CLEAR(location);
    }
    PyObject *dict = PyDict_New();
    if (!dict) {
        Py_XDECREF(location);
        return NULL;
    }
    if (!(put(dict, "location", location) && put(dict, "page_size", make_I(attributes->pageSize)) &&
            put(dict, "rsv", unsigned_list(attributes->rsv, 4)))) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *make_uuid(const aclrtUuid *uuid, aclError ret)
{
    (void)ret;
    PyObject *list = PyList_New(0);
    for (size_t index = 0; list && index < sizeof uuid->bytes; index++) {
        PyObject *item = make_i(uuid->bytes[index]);
        if (!item || PyList_Append(list, item)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    PyObject *dict = PyDict_New();
    if (!dict) {
        Py_XDECREF(list);
    } else if (!put(dict, "bytes", list)) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *make_cann_version(const aclCANNPackageVersion *version, aclError ret)
{
    (void)ret;
    PyObject *dict = PyDict_New();
    if (dict &&
        !(put(dict, "version", bounded_text(version->version, sizeof version->version)) &&
            put(dict, "major_version", bounded_text(version->majorVersion, sizeof version->majorVersion)) &&
            put(dict, "minor_version", bounded_text(version->minorVersion, sizeof version->minorVersion)) &&
            put(dict, "release_version", bounded_text(version->releaseVersion, sizeof version->releaseVersion)) &&
            put(dict, "patch_version", bounded_text(version->patchVersion, sizeof version->patchVersion)) &&
            put(dict, "reserved", bounded_text(version->reserved, sizeof version->reserved)))) {
        Py_CLEAR(dict);
    }
    return dict;
}
