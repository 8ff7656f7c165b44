/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and dicts of options for allocation and for kernels. Unknown keys are ignored, missing ones mean 0. */
#include "containers.h"
#include "values.h"

#include <stdlib.h>

static bool raise_text(PyObject *type, const char *text)
{
    PyErr_Clear();
    PyErr_SetString(type, text);
    return false;
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        PyErr_NoMemory();
    }
    return memory;
}

/* The dict at `index` of a list, borrowed; `message` is the TypeError for anything else. */
static PyObject *dict_at(PyObject *list, size_t index, const char *message)
{
    PyObject *entry = PyList_GetItem(list, (Py_ssize_t)index);
    if (!entry || !PyDict_Check(entry)) {
        raise_text(PyExc_TypeError, message);
        return NULL;
    }
    return entry;
}

static const char *const not_a_list = "argument 2 only support the format of list";

bool read_binary_options(PyObject *object, struct binary_options *options)
{
    if (!PyList_Check(object)) {
        return raise_text(PyExc_ValueError, not_a_list);
    }
    size_t count = (size_t)PyList_Size(object);
    aclrtBinaryLoadOption *entries = options->options.options = zeroed(count, sizeof *entries);
    options->options.numOpt = count;
    for (size_t index = 0; entries && index < count; index++) {
        PyObject *entry = dict_at(object, index, "the bin_option argument is not dict");
        int64_t type;
        uint64_t value;
        if (!entry || !read_key_signed(entry, "type", &type) || !read_key_unsigned(entry, "value", &value)) {
            return false;
        }
        entries[index].type = (aclrtBinaryLoadOptionType)type;
        entries[index].value.magic = (uint32_t)value;
    }
    options->value = count ? &options->options : NULL;
    return entries != NULL;
}

void free_binary_options(struct binary_options *options)
{
    free(options->options.options);
}

bool read_launch_config(PyObject *object, struct launch_config *config)
{
    if (!PyList_Check(object)) {
        return raise_text(PyExc_ValueError, not_a_list);
    }
    size_t count = (size_t)PyList_Size(object);
    aclrtLaunchKernelAttr *entries = config->config.attrs = zeroed(count, sizeof *entries);
    config->config.numAttrs = count;
    for (size_t index = 0; entries && index < count; index++) {
        PyObject *entry = dict_at(object, index, "the cfg argument is not dict");
        int64_t id;
        uint64_t value;
        if (!entry || !read_key_signed(entry, "id", &id) || !read_key_unsigned(entry, "value", &value)) {
            return false;
        }
        entries[index].id = (aclrtLaunchKernelAttrId)id;
        entries[index].value.localMemorySize = (uint32_t)value;
    }
    config->value = count ? &config->config : NULL;
    return entries != NULL;
}

void free_launch_config(struct launch_config *config)
{
    free(config->config.attrs);
}

bool read_placeholders(PyObject *object, struct placeholders *list)
{
    if (!PyList_Check(object)) {
        return raise_text(PyExc_ValueError, not_a_list);
    }
    list->count = (size_t)PyList_Size(object);
    list->items = zeroed(list->count, sizeof *list->items);
    for (size_t index = 0; list->items && index < list->count; index++) {
        PyObject *entry = dict_at(object, index, "the place_holder argument is not dict");
        uint64_t addr, data;
        if (!entry || !read_key_unsigned(entry, "addrOffset", &addr) ||
            !read_key_unsigned(entry, "dataOffset", &data)) {
            return false;
        }
        list->items[index].addrOffset = (uint32_t)addr;
        list->items[index].dataOffset = (uint32_t)data;
    }
    return list->items != NULL;
}

void free_placeholders(struct placeholders *list)
{
    free(list->items);
}

/* The union of an allocation attribute, by the first known key. */
static bool read_attribute_value(PyObject *entry, aclrtMallocAttrValue *value)
{
    PyObject *dict = PyDict_GetItemString(entry, "value");
    if (!dict || !PyDict_Check(dict)) {
        return raise_text(PyExc_TypeError, "the aclrtMallocAttrValue argument is not dict");
    }
    uint64_t number;
    if (PyDict_GetItemString(dict, "moduleId")) {
        if (!read_key_unsigned(dict, "moduleId", &number)) {
            return false;
        }
        value->moduleId = (uint16_t)number;
        return true;
    }
    if (PyDict_GetItemString(dict, "deviceId")) {
        if (!read_key_unsigned(dict, "deviceId", &number)) {
            return false;
        }
        value->deviceId = (uint32_t)number;
        return true;
    }
    PyObject *bytes = PyDict_GetItemString(dict, "rsv");
    if (!bytes) {
        return raise_text(PyExc_KeyError, "No valid key found in aclrtMallocAttrValue");
    }
    Py_ssize_t count = PyList_Check(bytes) ? PyList_Size(bytes) : 0;
    for (Py_ssize_t index = 0; index < count && index < (Py_ssize_t)sizeof value->rsv; index++) {
        PyObject *item = PyList_GetItem(bytes, index);
        if (!item || !PyLong_Check(item)) {
            break;
        }
        value->rsv[index] = (uint8_t)PyLong_AsUnsignedLongMask(item);
    }
    return true;
}

bool read_malloc_config(PyObject *object, struct malloc_config *config)
{
    if (!PyDict_Check(object)) {
        return raise_text(PyExc_TypeError, "pyCfg is not dict!");
    }
    if (PyDict_Size(object) == 0) {
        return true;
    }
    PyObject *list = PyDict_GetItemString(object, "attrs");
    if (!list) {
        return raise_text(PyExc_TypeError, "the aclrtMallocAttrValue argument is not dict");
    }
    if (!PyList_Check(list)) {
        return raise_text(PyExc_TypeError, "cfg.attrs malloc failed!");
    }
    uint64_t expected;
    if (!read_key_unsigned(object, "numAttrs", &expected)) {
        return false;
    }
    size_t count = (size_t)PyList_Size(list);
    if (expected != count) {
        return raise_text(PyExc_KeyError, "The numAttrs inputed does not match the expected numAttrs");
    }
    aclrtMallocAttribute *entries = config->config.attrs = zeroed(count, sizeof *entries);
    config->config.numAttrs = count;
    for (size_t index = 0; entries && index < count; index++) {
        PyObject *entry = dict_at(list, index, "the aclrtMallocAttrValue argument is not dict");
        int64_t attribute;
        if (!entry || !read_key_signed(entry, "attr", &attribute) ||
            !read_attribute_value(entry, &entries[index].value)) {
            return false;
        }
        entries[index].attr = (aclrtMallocAttrType)attribute;
    }
    config->value = &config->config;
    return entries != NULL;
}

void free_malloc_config(struct malloc_config *config)
{
    free(config->config.attrs);
}

bool read_physical_prop(PyObject *object, struct physical_prop *prop)
{
    if (!PyDict_Check(object)) {
        return raise_text(PyExc_TypeError, "the aclrtPhysicalMemProp argument is not dict");
    }
    int64_t handle_type, allocation_type, attribute, location_type = 0;
    uint64_t location_id = 0, reserve;
    if (!read_key_signed(object, "handleType", &handle_type) ||
        !read_key_signed(object, "allocationType", &allocation_type) ||
        !read_key_signed(object, "memAttr", &attribute) || !read_key_unsigned(object, "reserve", &reserve)) {
        return false;
    }
    PyObject *location = PyDict_GetItemString(object, "location");
    if (location) {
        if (!PyDict_Check(location)) {
            return raise_text(PyExc_TypeError, "the aclrtMemLocation argument is not dict");
        }
        if (!read_key_unsigned(location, "id", &location_id) || !read_key_signed(location, "type", &location_type)) {
            return false;
        }
    }
    prop->prop = (aclrtPhysicalMemProp){
        .handleType = (aclrtMemHandleType)handle_type,
        .allocationType = (aclrtMemAllocationType)allocation_type,
        .memAttr = (aclrtMemAttr)attribute,
        .location = {.id = (uint32_t)location_id, .type = (aclrtMemLocationType)location_type},
        .reserve = reserve,
    };
    prop->value = &prop->prop;
    return true;
}

void free_physical_prop(struct physical_prop *prop)
{
    (void)prop;
}
