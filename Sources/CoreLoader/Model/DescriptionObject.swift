// SPDX-License-Identifier: Apache-2.0

import GEGraph
import OfflineModel

/// A live `aclmdlDesc`: empty, or what is known of one model.
final class DescriptionObject: Sendable {
    static let table = HandleTable<DescriptionObject>(.modelDescription)

    private let state = Protected(State())

    /// What a description describes.
    struct Content: Sendable {
        /// 0 for a description that was read from a file or memory.
        let modelID: UInt32
        let facts: ModelFacts
    }

    private struct State {
        var content: Content?
        /// Everything described so far: names that were handed out stay valid until the description is destroyed.
        var former: [ModelFacts] = []
        var texts: [CString] = []
    }

    var content: Content? { state.withLock { $0.content } }

    func fill(_ content: Content?) {
        state.withLock { state in
            if let old = state.content { state.former.append(old.facts) }
            state.content = content
        }
    }

    /// Keeps `text` as a C string until the description is destroyed.
    func keep(_ text: String) -> CString {
        state.withLock { state in
            if let known = state.texts.first(where: { $0.text == text }) { return known }
            let string = CString(text)
            state.texts.append(string)
            return string
        }
    }

    /// The live description of a handle; throws 100000 for everything else.
    @safe static func find(_ pointer: OpaquePointer?, _ argument: String = "modelDesc") throws(Failure)
        -> DescriptionObject
    {
        let handle = Handle(pointer)
        guard let object = table.find(handle) else { throw .handle(handle, argument, in: table) }
        return object
    }
}

extension DescriptionObject.Content {
    /// The tensor at `index`; throws `code` when there is none.
    func tensor(_ direction: ModelFacts.Direction, _ index: Int) throws(Failure) -> ModelDescription.Tensor {
        let tensors = facts.tensors(direction)
        guard tensors.indices.contains(index) else { throw .index(index, count: tensors.count) }
        return tensors[index]
    }

    /// Bytes that a buffer for the tensor takes; 0 when the model does not bound them.
    func byteCount(_ direction: ModelFacts.Direction, _ index: Int) throws(Failure) -> Int {
        let tensor = try tensor(direction, index)
        guard tensor.dims.contains(where: { $0 < 0 }), !tensor.range.isEmpty, !facts.hasGears else {
            return tensor.size
        }
        var count = 1
        for range in tensor.range {
            guard range.upper > 0 else { return 0 }
            let (product, overflow) = count.multipliedReportingOverflow(by: range.upper)
            guard !overflow else { return 0 }
            count = product
        }
        return tensor.dataType.byteCount(elements: count) ?? 0
    }
}
