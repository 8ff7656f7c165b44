/* SPDX-License-Identifier: Apache-2.0 */
/* Linking this target is all: it keeps the products usable with older glibc. It has nothing to call. */
