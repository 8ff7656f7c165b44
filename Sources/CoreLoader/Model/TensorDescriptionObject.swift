// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A live `aclTensorDesc`.
final class TensorDescriptionObject: Sendable {
    static let table = HandleTable<TensorDescriptionObject>(.tensorDescription)

    /// Whether an execution has made it, to say what an output became.
    let isOfExecution: Bool
    private let state: Protected<State>
    private let handleBits = Atomic<UInt>(0)

    private struct State {
        var value: TensorDescription
        /// Names handed out as C strings; they live as long as the description.
        var names: [CString] = []
    }

    private init(_ value: TensorDescription, isOfExecution: Bool) {
        state = Protected(State(value: value))
        self.isOfExecution = isOfExecution
    }

    /// A description with a handle; throws 200000 when there are too many.
    static func make(
        _ value: TensorDescription, isOfExecution: Bool = false
    ) throws(Failure) -> TensorDescriptionObject {
        let object = TensorDescriptionObject(value, isOfExecution: isOfExecution)
        guard let handle = table.insert(object) else {
            throw Failure(ErrorCode.badAlloc, .resources("There are too many tensor descriptions"))
        }
        object.handleBits.store(handle.bits, ordering: .relaxed)
        return object
    }

    var handle: Handle { Handle(pointer(to: handleBits.load(ordering: .relaxed))) }

    /// Ends the handle.
    func withdraw() { _ = Self.table.remove(handle) }

    var value: TensorDescription { state.withLock { $0.value } }
    func change(_ body: (inout TensorDescription) -> Void) { state.withLock { body(&$0.value) } }

    /// The present name; the C string stays valid until the description is destroyed.
    var cName: CString {
        state.withLock { state in
            if let last = state.names.last, last.text == state.value.name { return last }
            let name = CString(state.value.name)
            state.names.append(name)
            return name
        }
    }
}
