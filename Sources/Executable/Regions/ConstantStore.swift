// SPDX-License-Identifier: Apache-2.0

import Kernels
import SystemMemory

/// Constants as kernels want them, each once however many programs use it.
///
/// A model whose shapes are chosen at run time has a program for each shape, and all want the same weights.
@safe
final class ConstantStore {
    /// The model's weights partition, which the owner of the store keeps.
    private let weights: UnsafeRawBufferPointer
    private var stored = StoredConstants()
    private var memories: [OwnedMemory?] = []

    /// Safety: `weights` can be read as long as the store lives.
    init(weights: UnsafeRawBufferPointer) { unsafe self.weights = weights }

    /// The memory of each of `constants`; the store keeps it as long as somebody else does.
    func find(_ constants: [Program.PackedConstant]) throws -> [OwnedMemory] {
        var found: [OwnedMemory] = []
        for packed in constants {
            if let index = stored.find(packed), let memory = memories[index] {
                found.append(memory)
                continue
            }
            try SystemMemory.check()
            let memory = try OwnedMemory(packed.bytes)
            try unsafe WeightLayout.store(packed, from: weights, at: memory.start)
            stored.add(packed, at: memories.count)
            memories.append(memory)
            found.append(memory)
        }
        return found
    }

    /// Gives back what nobody uses any more.
    func purge() {
        for index in memories.indices where memories[index] != nil {
            if isKnownUniquelyReferenced(&memories[index]) {
                memories[index] = nil
                stored.remove(index)
            }
        }
    }
}
