/* SPDX-License-Identifier: Apache-2.0 */
/* CHECK compares a code with the one expected and goes on; FAILURES counts the differences. */
#ifndef CHECK_H
#define CHECK_H

#include "acl/acl.h"
#include "acl/acl_dump.h"

#include <stdio.h>

static int failures = 0;

#define CHECK(expression, expected)                                                                                    \
    do {                                                                                                               \
        long long got_ = (long long)(expression);                                                                      \
        long long want_ = (long long)(expected);                                                                       \
        if (got_ != want_) {                                                                                           \
            const char *text_ = aclGetRecentErrMsg();                                                                  \
            failures++;                                                                                                \
            printf("%s:%d: %s is %lld, expected %lld\n%s", __FILE__, __LINE__, #expression, got_, want_,               \
                text_ == NULL ? "" : text_);                                                                           \
        }                                                                                                              \
    } while (0)

/* 1 when the latest messages hold `part`; empties them. */
static inline int told(const char *part)
{
    const char *text = aclGetRecentErrMsg();
    const char *at;
    size_t i;

    for (at = text; at != NULL && *at != '\0'; at++) {
        for (i = 0; part[i] != '\0' && at[i] == part[i]; i++) {
        }
        if (part[i] == '\0') {
            return 1;
        }
    }
    printf("no \"%s\" in: %s\n", part, text == NULL ? "(nothing)" : text);
    return 0;
}

static inline int result(void)
{
    if (failures != 0) {
        printf("%d checks failed\n", failures);
    }
    return failures == 0 ? 0 : 1;
}

#endif
