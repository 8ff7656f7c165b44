// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings

// The exit status of every failure is the low byte of -1, as scripts around the original expect.
Interruption.watch()
Settings.check(.process, names: Settings.namesInProcess())
exit(Converter.run(Array(CommandLine.arguments.dropFirst())) ? 0 : 255)
