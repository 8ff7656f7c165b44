// SPDX-License-Identifier: Apache-2.0

import GEGraph
import OfflineModel
import SaturatingArithmetic

/// What the API tells of a model without running it: shared by all loads and descriptions of the same bytes.
///
/// It owns the C strings of the tensor names, which therefore live as long as anybody holds the facts.
final class ModelFacts: @unchecked Sendable {
    /// Also the name under which callers look the input up (`ACL_DYNAMIC_TENSOR_NAME`).
    static let gearInputName = "ascend_mbatch_shape_data"

    let description: ModelDescription
    let modelName: String
    /// Per input; empty for a description without a graph.
    let aipp: [InputAipp]
    /// Whether weights lie in files of their own (atc's `--external_weight`).
    let hasExternalWeights: Bool
    private let originalNames: [String: [String]]
    /// Constant after `init`, freed in `deinit`.
    private let names: (inputs: [CString], outputs: [CString])

    init(description: ModelDescription, model: Model? = nil) {
        self.description = description
        modelName = model?.name ?? ""
        aipp = model.map { InputAipp.list(of: $0.graph) } ?? []
        hasExternalWeights =
            model.map { [$0.graph] + $0.subgraphs }?.contains { $0.nodes.contains { $0.type == "FileConstant" } }
            ?? false
        var originalNames: [String: [String]] = [:]
        for graph in model.map({ [$0.graph] + $0.subgraphs }) ?? [] {
            for node in graph.nodes {
                if let names = node.attributes.strings("_datadump_original_op_names") {
                    originalNames[node.name] = names
                }
            }
        }
        self.originalNames = originalNames
        names = (description.inputs.map { CString($0.name) }, description.outputs.map { CString($0.name) })
    }

    /// What the model in `bytes` says of itself, without reading its graph unless there is no other way.
    convenience init(describing bytes: UnsafeRawBufferPointer) throws(Failure) {
        do throws(OfflineModelError) {
            self.init(description: try unsafe OfflineModelFile.description(of: bytes))
        } catch {
            throw .badModel(error, entry: .describe, size: bytes.count)
        }
    }

    enum Direction: String { case input, output }

    func tensors(_ direction: Direction) -> [ModelDescription.Tensor] {
        direction == .input ? description.inputs : description.outputs
    }

    /// The tensor's full name as a C string that lives as long as `self`.
    func cName(_ direction: Direction, _ index: Int) -> CString {
        direction == .input ? names.inputs[index] : names.outputs[index]
    }

    func index(_ direction: Direction, named name: String) -> Int? {
        tensors(direction).firstIndex { $0.name == name }
    }

    func isAippParameters(_ name: String) -> Bool {
        guard let index = index(.input, named: name), aipp.indices.contains(index) else { return false }
        return aipp[index].mode == .parameters
    }

    /// The number for C: `ACL_DT_UNDEFINED` is −1, not GE's 28.
    func dataType(of tensor: ModelDescription.Tensor) -> Int32 {
        tensor.dataType == .undefined ? -1 : tensor.dataType.rawValue
    }

    var hasGears: Bool {
        !description.dynamicBatch.isEmpty || !description.dynamicImageSize.isEmpty || !description.dynamicDims.isEmpty
    }

    /// `[length]name` for each operator of the original network that went into `node`; empty for none.
    func originalNames(of node: String) -> String {
        (originalNames[node] ?? []).map { "[\($0.utf8.count)]\($0)" }.joined()
    }
}

/// A name as C sees it; owns its memory.
@safe final class CString: @unchecked Sendable {
    // Constant after `init`.
    private let storage: UnsafeMutableBufferPointer<CChar>

    let text: String

    init(_ text: String) {
        self.text = text
        let bytes = text.utf8CString
        unsafe storage = .allocate(capacity: bytes.count)
        _ = unsafe storage.initialize(from: bytes)
    }

    deinit { unsafe storage.deallocate() }

    /// Valid while `self` lives.
    var pointer: UnsafePointer<CChar>? { unsafe UnsafePointer(storage.baseAddress) }
}

extension ModelFacts {
    /// The name that fits into `aclmdlIODims`: the tensor's own, or a short one made of the model's id.
    ///
    /// Should the short one be the real name of some tensor, letters are appended until it is not.
    func shortName(_ direction: Direction, _ index: Int, modelID: UInt32) -> String {
        let name = tensors(direction)[index].name
        if name.utf8.count < Self.nameCapacity { return name }
        let taken = Set((description.inputs + description.outputs).map(\.name))
        let base = "acl_modelId_\(modelID)_\(direction.rawValue)_\(index)"
        if !taken.contains(base) { return base }
        var suffixes = [""]
        for _ in 1...3 {
            suffixes = suffixes.flatMap { suffix in "abcdefghijklmnopqrstuvwxyz".map { suffix + String($0) } }
            if let free = suffixes.first(where: { !taken.contains("\(base)_\($0)") }) { return "\(base)_\(free)" }
        }
        return base
    }

    /// The full name behind a name from `shortName`, or the name itself when it is real.
    func realName(of name: String, modelID: UInt32) -> CString? {
        for direction in [Direction.input, .output] {
            if let index = index(direction, named: name) { return cName(direction, index) }
        }
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 5 || parts.count == 6, parts[0] == "acl", parts[1] == "modelId",
            parts[2] == "\(modelID)", let direction = Direction(rawValue: String(parts[3])),
            let index = Int(parts[4]), tensors(direction).indices.contains(index)
        else { return nil }
        return cName(direction, index)
    }

    /// Bytes of `aclmdlIODims.name`, the terminating zero included.
    static let nameCapacity = 128
}
