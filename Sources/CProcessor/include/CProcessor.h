/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CPROCESSOR_H
#define CPROCESSOR_H

/* The x86-64 level whose instructions the processor and the system support: 1 to 4; 0 on other architectures. */
int processor_x86_64_level(void);

#endif
