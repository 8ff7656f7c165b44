/* SPDX-License-Identifier: Apache-2.0 */
/* The C++ parts of Swift's runtime make strings, which libstdc++ would allocate out of reach of the linker. These
 * definitions take the place of its own. */
#ifdef MEMORY_RESERVE_WRAPS

#include <string>

template class std::basic_string<char>;

#endif
