/* SPDX-License-Identifier: Apache-2.0 */
/* Everything the other AscendCL headers build on. */
#ifndef ACL_ACL_BASE_H
#define ACL_ACL_BASE_H

#include "acl/acl_base_mdl.h"
#include "acl/acl_base_rt.h"

#endif
