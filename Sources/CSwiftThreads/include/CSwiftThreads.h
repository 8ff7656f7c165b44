/* SPDX-License-Identifier: Apache-2.0 */
/* Linking this target is all: it corrects the Swift runtime in forked children. It has nothing to call. */
