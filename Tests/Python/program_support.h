/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of the tests share; valid as C11 and as C++17. */
#ifndef PROGRAM_SUPPORT_H
#define PROGRAM_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>

#include "acl/acl.h"

/* Ends the program with the message of the failure. */
#define CHECK(call)                                                                                                    \
    do {                                                                                                               \
        aclError error = (call);                                                                                       \
        if (error != ACL_SUCCESS) {                                                                                    \
            const char *message = aclGetRecentErrMsg();                                                                \
            fprintf(stderr, "%s: %d %s\n", #call, error, message ? message : "");                                      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The bytes of a file, to be freed by the caller. */
static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) {
        perror(path);
        exit(1);
    }
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = (char *)malloc(*size ? *size : 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

#endif
