/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CPROCESSOR_H
#define CPROCESSOR_H

/* The x86-64 level whose instructions the processor and the system support: 1 to 4; 0 on other architectures. */
int processor_x86_64_level(void);

/* Bytes of the second cache of one core, from 256 KiB to 2 MiB; 512 KiB where the system does not say. */
long processor_second_cache(void);

#endif
