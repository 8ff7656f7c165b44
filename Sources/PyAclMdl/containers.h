/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and dicts that go in and come out.
 *
 * read_X fills a zeroed struct and returns false with an exception set; free_X releases what it holds, also after a
 * failed read. make_X returns a new reference; `ret` is the code of the C call that filled the value.
 */
#ifndef PYACLMDL_CONTAINERS_H
#define PYACLMDL_CONTAINERS_H

#include "native.h"

struct list64 {
    int64_t *items;
    size_t count;
};

struct list32 {
    int32_t *items;
    size_t count;
};

struct placeholders {
    aclrtPlaceHolderInfo *items;
    size_t count;
};

/* `value` is what C receives: NULL for an empty list or dict. */
struct binary_options {
    aclrtBinaryLoadOptions *value;
    aclrtBinaryLoadOptions options;
};

struct launch_config {
    aclrtLaunchKernelCfg *value;
    aclrtLaunchKernelCfg config;
};

struct malloc_config {
    aclrtMallocConfig *value;
    aclrtMallocConfig config;
};

struct physical_prop {
    aclrtPhysicalMemProp *value;
    aclrtPhysicalMemProp prop;
};

/* shapes.c */
bool read_dims(PyObject *object, struct list64 *list);
bool read_shape_range(PyObject *object, struct list64 *list);
bool read_value_range(PyObject *object, struct list64 *list);
bool read_notifies(PyObject *object, struct list64 *list);
bool read_pids(PyObject *object, struct list32 *list);
void free_list64(struct list64 *list);
void free_list32(struct list32 *list);
PyObject *make_iodims(const aclmdlIODims *dims, aclError ret);
PyObject *make_dynamic_batch(const aclmdlBatch *batch, aclError ret);
PyObject *make_dynamic_hw(const aclmdlHW *sizes, aclError ret);
PyObject *make_dims_range(const aclmdlIODimsRange *range, aclError ret);

/* The dict of one shape; `is_signed` tells how negative sizes show. */
PyObject *shape_dict(const aclmdlIODims *dims, bool is_signed);
/* A name that C may have left without its NUL. */
PyObject *bounded_text(const char *text, size_t size);

/* options.c */
bool read_binary_options(PyObject *object, struct binary_options *options);
bool read_launch_config(PyObject *object, struct launch_config *config);
bool read_malloc_config(PyObject *object, struct malloc_config *config);
bool read_physical_prop(PyObject *object, struct physical_prop *prop);
bool read_placeholders(PyObject *object, struct placeholders *list);
void free_binary_options(struct binary_options *options);
void free_launch_config(struct launch_config *config);
void free_malloc_config(struct malloc_config *config);
void free_physical_prop(struct physical_prop *prop);
void free_placeholders(struct placeholders *list);

/* dicts.c: what `key` holds, or 0 and false when it is missing or of another type; ValueError when out of range. */
bool read_key_signed(PyObject *dict, const char *key, int64_t *value);
bool read_key_unsigned(PyObject *dict, const char *key, uint64_t *value);
/* Takes over `value`; false with an exception set when it is NULL or cannot be stored. */
bool put(PyObject *dict, const char *key, PyObject *value);

/* infos.c */
PyObject *make_utilization(const aclrtUtilizationInfo *info, aclError ret);
PyObject *make_pointer_attributes(const aclrtPtrAttributes *attributes, aclError ret);
PyObject *make_uuid(const aclrtUuid *uuid, aclError ret);
PyObject *make_cann_version(const aclCANNPackageVersion *version, aclError ret);

#endif
