// SPDX-License-Identifier: Apache-2.0

/// A tensor in a program that is being built; made by `ProgramBuilder` and meaningful only to it.
public struct Value: Hashable, Sendable {
    package let id: Int
}
