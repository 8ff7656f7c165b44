/* SPDX-License-Identifier: Apache-2.0 */
/* What headers of single operators include. */
#ifndef ACLNN_ACLNN_BASE_H
#define ACLNN_ACLNN_BASE_H

#include "acl/acl.h"
#include "aclnn/acl_meta.h"

#endif
