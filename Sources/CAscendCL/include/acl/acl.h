/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACL_ACL_H
#define ACL_ACL_H
#endif
