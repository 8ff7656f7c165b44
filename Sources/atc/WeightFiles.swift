// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// Moves the weights of a model into files of their own (`--external_weight`): GE's FileConstant in place of Const.
struct WeightFiles {
    /// How the weights are spread over files.
    enum Mode: String {
        /// One file for each, `weight_` and a fingerprint of its content.
        case separate = "1"
        /// One file for all, the model's name and `_weight_combined`.
        case combined = "2"
    }

    /// Smaller constants stay in the model: shapes, axes and scales are needed before any file is at hand.
    private static let largestInside = 4096
    private static let alignment = 512

    /// Names and contents of the files, for the folder `weight` beside the model.
    private(set) var files: [(name: String, bytes: [UInt8])] = []

    private let mode: Mode
    private let combinedName: String
    private var combined: [UInt8] = []
    private var known: [String: [UInt8]] = [:]
    /// Where in the file of all weights these bytes lie; gears share most of theirs.
    private var offsets: [String: (bytes: [UInt8], offset: Int)] = [:]

    /// - modelName: the name of the offline model without its suffix.
    init(moving model: inout Model, mode: Mode, modelName: String) {
        self.mode = mode
        combinedName = "\(modelName)_weight_combined"
        move(&model.graph)
        for index in model.subgraphs.indices { move(&model.subgraphs[index]) }
        if !combined.isEmpty { files.append((combinedName, combined)) }
    }

    private mutating func move(_ graph: inout Graph) {
        for index in graph.nodes.indices {
            guard let constant = graph.nodes[index].constant, case .inline(let bytes) = constant.data,
                bytes.count > Self.largestInside
            else { continue }
            let (name, offset) = place(bytes)
            var node = graph.nodes[index]
            node.type = "FileConstant"
            node.attributes["value"] = nil
            node.attributes["shape"] = .ints(constant.desc.shape.map { Int64($0) })
            node.attributes["dtype"] = .dataType(constant.desc.dataType)
            node.attributes["location"] = .string(name)
            node.attributes["offset"] = .int(Int64(offset))
            node.attributes["length"] = .int(Int64(bytes.count))
            node.outputs = [constant.desc]
            graph.nodes[index] = node
        }
    }

    /// Puts the bytes into a file, unless they are in one already.
    private mutating func place(_ bytes: [UInt8]) -> (name: String, offset: Int) {
        switch mode {
        case .separate:
            var name = "weight_\(Self.fingerprint(bytes))"
            while let other = known[name], other != bytes { name += "_" }
            if known.updateValue(bytes, forKey: name) == nil { files.append((name, bytes)) }
            return (name, 0)
        case .combined:
            let key = Self.fingerprint(bytes)
            if let other = offsets[key], other.bytes == bytes { return (combinedName, other.offset) }
            let offset = (combined.count + Self.alignment - 1) / Self.alignment * Self.alignment
            combined.append(contentsOf: repeatElement(0, count: offset - combined.count))
            combined.append(contentsOf: bytes)
            offsets[key] = (bytes, offset)
            return (combinedName, offset)
        }
    }

    /// 128 bits: two FNV-1a sums that start differently.
    private static func fingerprint(_ bytes: [UInt8]) -> String {
        var sums: (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x6c62_272e_07bb_0142)
        for byte in bytes {
            sums.0 = (sums.0 ^ UInt64(byte)) &* 0x100_0000_01b3
            sums.1 = (sums.1 ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return [sums.0, sums.1].map { sum in
            let digits = String(sum, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
