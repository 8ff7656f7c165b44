// SPDX-License-Identifier: Apache-2.0

import Glibc

// The exit status of every failure is the low byte of -1, as scripts around the original expect.
exit(Converter.run(Array(CommandLine.arguments.dropFirst())) ? 0 : 255)
