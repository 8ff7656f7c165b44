// SPDX-License-Identifier: Apache-2.0

import Executable
import GEGraph
import Operators
import Testing

/// Nodes as a damaged or hostile file may hold them: each is refused, or works, but nothing traps.
@Suite struct DamagedNodeTests {
    private static let names = [
        "axis", "axes", "num_axes", "allowzero", "end_axis", "dtype", "perm", "order", "begin", "end", "strides",
        "begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask", "offsets", "size", "batch_dims",
        "dim", "concat_dim", "N", "split_dim", "num_split", "size_splits", "num", "paddings", "mode",
        "paddings_contiguous", "constant_values", "shape", "multiples", "dims", "start", "limit", "delta", "is_closed",
        "depth", "block_size", "data_format", "reduction", "seq_dim", "batch_dim", "upper", "diagonal", "transpose",
        "src_format", "dst_format",
    ]
    private static let small = [0, 1, 2, 3, 5]
    private static let extreme = [-1, -2, -3, 1 << 20, 1 << 31, 1 << 40, 1 << 62, Int.max, Int.min]
    private static let texts = [
        "constant", "reflect", "edge", "wrap", "symmetric", "NCHW", "NHWC", "ND", "DCR", "CRD", "none", "add", "",
    ]
    private static let types: [DataType] = [
        .float, .int64, .int32, .bool, .uint8, .float16, .complex128, .int4, .string, .undefined,
    ]

    private struct Source {
        var random: MovementRandom

        mutating func pick<T>(_ values: [T]) -> T { values[random.number(0...values.count - 1)] }
        mutating func isRare() -> Bool { random.number(0...7) == 0 }
        mutating func number() -> Int { pick(isRare() ? DamagedNodeTests.extreme : DamagedNodeTests.small + [-1, -2]) }
        mutating func size() -> Int { pick(isRare() ? DamagedNodeTests.extreme : DamagedNodeTests.small) }
        mutating func shape() -> [Int] { (0..<random.number(0...4)).map { _ in size() } }
        mutating func numbers() -> [Int] { (0..<random.number(0...4)).map { _ in number() } }

        mutating func attribute() -> Attribute {
            switch random.number(0...6) {
            case 0: .string(pick(DamagedNodeTests.texts))
            case 1: .bool(random.number(0...1) == 0)
            case 2: .float(pick([0, 1, -1, 1e30, .infinity, .nan]))
            case 3, 4: .int(Int64(number()))
            case 5: .intLists((0..<random.number(0...3)).map { _ in numbers().map { Int64($0) } })
            default: .ints(numbers().map { Int64($0) })
            }
        }

        /// A tensor, and its elements where they are known.
        mutating func input() -> (TensorDesc, Constant?)? {
            if isRare() { return nil }
            if random.number(0...1) == 0 {
                let values = numbers()
                let constant = Constant(ints: values, shape: random.number(0...3) == 0 && values.count == 1 ? [] : nil)
                return (constant.desc, constant)
            }
            return (TensorDesc(isRare() ? pick(DamagedNodeTests.types) : .float, shape()), nil)
        }
    }

    @Test(arguments: movementTypes.sorted()) func nothingTraps(type: String) throws {
        let definition = try #require(Catalogue[type: type])
        var source = Source(random: MovementRandom(UInt64(type.utf8.reduce(7) { $0 &* 31 &+ Int($1) }.magnitude)))
        for _ in 0..<200 {
            let inputs = (0..<source.random.number(0...5)).map { _ in source.input() }
            var node = Node(name: "node", type: type)
            for name in Self.names where source.random.number(0...2) > 0 { node.attributes[name] = source.attribute() }
            let inference = Inference(node: node, inputs: inputs.map { $0?.0 }, constants: inputs.map { $0?.1 })
            guard let inferred = try? definition.infer(inference) else { continue }
            let isSized = inferred.allSatisfy { !$0.isStatic || $0.byteCount != nil }
            #expect(isSized, "\(type) gives \(inferred) for \(node) \(inputs)")
            // What only an execution counts is no model of known shape.
            if definition.countedAxes?(inference) != nil { continue }
            if (inputs.compactMap { $0?.0 } + inferred).allSatisfy({ ($0.byteCount ?? .max) < 4096 }) {
                try prepare(node, inputs, outputs: inferred)
            }
        }
    }

    /// What has been inferred can be lowered.
    private func prepare(_ node: Node, _ inputs: [(TensorDesc, Constant?)?], outputs: [TensorDesc]) throws {
        var graph = Graph(name: "test")
        var node = node
        node.inputs = inputs.map { input in
            input.map { desc, constant in
                graph.append(
                    Node(
                        name: "x\(graph.nodes.count)", type: constant == nil ? "Data" : "Const", outputs: [desc],
                        attributes: constant.map { ["value": .tensor($0)] } ?? [:]))
            }
        }
        node.outputs = outputs
        let produced = graph.append(node)
        graph.append(
            Node(name: "output", type: "NetOutput", inputs: outputs.indices.map { TensorRef(produced.node, $0) }))
        _ = try unsafe PreparedModel(
            Model(name: "test", graph: graph), weights: UnsafeRawBufferPointer(start: nil, count: 0), threads: 1)
    }
}
