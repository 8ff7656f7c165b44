/* SPDX-License-Identifier: Apache-2.0 */
/* A target needs a source file; this one checks that the header is complete. */
#include "conednn.h"
