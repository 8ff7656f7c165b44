// SPDX-License-Identifier: Apache-2.0

import Files
import GEGraph
import SaturatingArithmetic
import Settings

/// Where a load finds weights that lie outside the model.
struct ExternalSource: Sendable {
    /// The folder of the files, as a configuration names it.
    var folder: String?
    /// The model's own file, whose folder has one called `weight`.
    var modelPath: String?
    /// Memory that the program registered under files' names; the last of equal names counts.
    var registered: [Registered] = []

    struct Registered: Sendable {
        var file: String
        var address: UInt
        var byteCount: UInt
    }

    /// Where the file `name` would be: a folder that the program names, and a path that must not leave it; nil when
    /// nothing says it.
    fileprivate func place(of name: String) -> (folder: String, path: String)? {
        if let folder { return (folder, name) }
        guard let modelPath = modelPath.map(FileContent.resolved) else { return nil }
        let folder = modelPath.lastIndex(of: "/").map { String(modelPath[...$0]) } ?? ""
        return (folder, "weight/\(name)")
    }
}

/// The external weights of one load: as if they lay behind the model's own weights.
@safe
final class ExternalWeights: Sendable {
    let constants: [ExternalConstant]
    /// The contents; nil as long as only sizes are asked for.
    private let contents: [String: Content]?

    /// Constants of at most so many bytes are needed to prepare a model, as shapes and axes are.
    private static let inlineLimit = 4096
    private static let alignment = 64
    /// How much more the weights may take than their files have.
    private static let overlap = 64 << 20

    /// Bytes in a file or in the program's memory; valid while `self` lives, or during the load.
    @safe
    private struct Content: @unchecked Sendable {
        let file: FileContent?
        let bytes: UnsafeRawBufferPointer

        var count: Int { unsafe bytes.count }

        /// Hands the bytes of a constant to `body`. Throws 145000 when the program takes them away meanwhile.
        func reading<Result>(
            _ constant: ExternalConstant, _ body: (UnsafeRawBufferPointer) -> Result
        ) throws(Failure) -> Result {
            // Safe: a constant's end was compared with the number of bytes.
            let part = unsafe UnsafeRawBufferPointer(
                rebasing: bytes[constant.offset..<constant.offset + constant.byteCount])
            guard file == nil, let range = AddressRange(start: address(of: part.baseAddress), byteCount: part.count)
            else { return unsafe body(part) }
            return try MemoryGuard.use(
                range, writing: false, { ExternalWeights.unusable(constant.file, range, $0) }, { unsafe body(part) })
        }
    }

    private static func unusable(_ file: String, _ range: AddressRange, _ problem: String) -> Failure {
        .userMemory(
            ErrorCode.geParamInvalid,
            "The memory that is registered for the weights in \(file) (\(range)) is \(problem).")
    }

    /// The weights without their contents.
    init(in model: Model) throws(Failure) {
        constants = try ExternalConstant.list(in: model)
        contents = nil
    }

    /// Reads files and checks memory that the program registered; throws 500002 for a file that is missing or too
    /// short, 145000 for memory that is too small.
    init(reading weights: ExternalWeights, from source: ExternalSource) throws(Failure) {
        constants = weights.constants
        var contents: [String: Content] = [:]
        for constant in weights.constants {
            let content: Content
            if let known = contents[constant.file] {
                content = known
            } else {
                content = try Self.content(of: constant, source)
                contents[constant.file] = content
            }
            let end = constant.offset + constant.byteCount
            guard end <= content.count else {
                throw Self.tooSmall(constant, content, needed: end)
            }
        }
        self.contents = contents
        // Else a model of some bytes could ask for one large file a thousand times.
        let bytes = Set(constants.map(\.place)).reduce(0) { $0 + $1.byteCount }
        let files = contents.values.reduce(0) { $0 + $1.count }
        guard bytes <= 2 * files + Self.overlap else {
            throw .engine(
                ErrorCode.geFailure,
                "The model's external weights take \(bytes) bytes, but their files have \(files): too many of them overlap."
            )
        }
    }

    private static func content(
        of constant: ExternalConstant, _ source: ExternalSource
    ) throws(Failure) -> Content {
        if let memory = source.registered.last(where: { $0.file == constant.file }) {
            guard let range = AddressRange(start: memory.address, byteCount: Int(clamping: memory.byteCount)) else {
                throw .argument("size", value: "\(memory.byteCount)", reason: "so many bytes leave the address space")
            }
            if let problem = AddressProbe.problemReading(range) { throw unusable(constant.file, range, problem) }
            // Safe: just checked, and watched when it is read.
            let bytes = unsafe UnsafeRawBufferPointer(
                start: UnsafeRawPointer(bitPattern: range.start), count: range.byteCount)
            return unsafe Content(file: nil, bytes: bytes)
        }
        guard let place = source.place(of: constant.file) else {
            throw cannotOpen(
                constant.file,
                "the model comes from memory, and neither a folder of weights nor memory for this file is set")
        }
        do throws(FileError) {
            let links = Settings.linkedWeights.value(in: .process)
            let file = try FileContent(place.path, within: place.folder, links: links)
            return unsafe Content(file: file, bytes: file.bytes)
        } catch {
            let separator = place.folder.isEmpty || place.folder.hasSuffix("/") ? "" : "/"
            throw cannotOpen(place.folder + separator + place.path, "\(error)", isLinked: error.isAboutLinks)
        }
    }

    private static func cannotOpen(_ path: String, _ reason: String, isLinked: Bool = false) -> Failure {
        Failure(
            ErrorCode.geFailure,
            .coded(
                "E13001", title: "File_Operation_Error_Open",
                text: "The file of weights \(path) cannot be opened. Reason: \(reason).",
                solution: isLinked
                    ? "Put the file itself there, or set \(Settings.linkedWeights.name)=follow if you trust the model."
                    : "Keep the files of weights in the folder 'weight' beside the model, or set their folder."))
    }

    private static func tooSmall(_ constant: ExternalConstant, _ content: Content, needed: Int) -> Failure {
        let size = content.count
        guard content.file != nil else {
            return .model(
                ErrorCode.geParamInvalid, value: "\(size)", parameter: "size of the memory for \(constant.file)",
                reason: "'\(constant.nodeName)' takes the bytes up to \(needed)")
        }
        return Failure(
            ErrorCode.geFailure,
            .coded(
                "E13015", title: "File_Operation_Error",
                text: "The file of weights \(constant.file) has \(size) bytes, but '\(constant.nodeName)' takes those "
                    + "up to \(needed)."))
    }

    // MARK: Use

    /// The model with constants in place of the FileConstant nodes, in weights that follow the model's own.
    /// - partition: bytes of the model's own weights.
    func resolved(_ model: Model, partition: Int) throws(Failure) -> Model {
        var model = model
        for (constant, offset) in zip(constants, offsets(partition)) {
            var value = Constant(constant.desc, .weights(offset..<offset + constant.byteCount))
            if constant.byteCount <= Self.inlineLimit, let bytes = try bytes(of: constant) {
                value.data = .inline(bytes)
            }
            if let subgraph = constant.subgraph {
                Self.replace(&model.subgraphs[subgraph].nodes[constant.node], by: value)
            } else {
                Self.replace(&model.graph.nodes[constant.node], by: value)
            }
        }
        return model
    }

    private static func replace(_ node: inout Node, by value: Constant) {
        node.type = "Const"
        node.attributes = ["value": .tensor(value)]
        node.outputs = [value.desc]
    }

    /// Bytes of the model's own weights and of these.
    func byteCount(partition: Int) -> Int {
        zip(constants, offsets(partition)).map { $0.0.byteCount + $0.1 }.max() ?? partition
    }

    /// Where each constant lies; the same bytes of a file, which several gears may read, once.
    private func offsets(_ partition: Int) -> [Int] {
        var end = partition
        var known: [ExternalConstant.Place: Int] = [:]
        return constants.map { constant in
            if let start = known[constant.place] { return start }
            let start = (end + Self.alignment - 1) / Self.alignment * Self.alignment
            end = start + constant.byteCount
            known[constant.place] = start
            return start
        }
    }

    private func bytes(of constant: ExternalConstant) throws(Failure) -> [UInt8]? {
        guard let content = contents?[constant.file] else { return nil }
        return try unsafe content.reading(constant) { unsafe Array($0) }
    }

    /// The model's own weights and these in one piece.
    func joined(to partition: UnsafeRawBufferPointer) throws(Failure) -> OwnMemory {
        let memory = try OwnMemory(bytes: byteCount(partition: partition.count), purpose: "a model's external weights")
        unsafe memory.bytes.copyBytes(from: partition)
        for (constant, offset) in zip(constants, offsets(partition.count)) {
            guard let content = contents?[constant.file] else { continue }
            let target = unsafe UnsafeMutableRawBufferPointer(
                rebasing: memory.bytes[offset..<offset + constant.byteCount])
            try unsafe content.reading(constant) { unsafe target.copyMemory(from: $0) }
        }
        return memory
    }

    /// Tells these weights apart from others of the same model.
    func digest(of model: ContentDigest) throws(Failure) -> ContentDigest {
        var digests = [model]
        var known = Set<ExternalConstant.Place>()
        for constant in constants where known.insert(constant.place).inserted {
            guard let content = contents?[constant.file] else { continue }
            digests.append(try unsafe content.reading(constant) { unsafe ContentDigest(of: $0) })
        }
        return ContentDigest(joining: digests)
    }
}
