// SPDX-License-Identifier: Apache-2.0

import GEGraph

/// Models as a file holds them: descriptors of inputs and indices of Data nodes filled in, so that what is read from
/// what was written must be equal.
enum TestModels {
    static func desc(_ shape: [Int], _ type: DataType = .float, format: Format = .nd) -> TensorDesc {
        TensorDesc(type, shape, format: format)
    }

    static func data(_ name: String, index: Int, _ desc: TensorDesc) -> Node {
        Node(
            name: name, type: "Data", inputs: [nil], inputDescs: [desc], outputs: [desc], outputNames: ["y"],
            attributes: ["index": .int(Int64(index))])
    }

    static func const(_ name: String, _ value: Constant) -> Node {
        Node(
            name: name, type: "Const", outputs: [value.desc], outputNames: ["y"], attributes: ["value": .tensor(value)])
    }

    /// y = relu(x + c), the smallest model that has everything a file needs.
    static let small: Model = {
        let shape = desc([2, 3])
        var graph = Graph(name: "small")
        let x = graph.append(data("x", index: 0, shape))
        let c = graph.append(const("c", Constant(floats: [1, 2, 3], shape: [3])))
        let sum = graph.append(
            Node(
                name: "add", type: "Add", inputs: [x, c], inputNames: ["x1", "x2"], inputDescs: [shape, desc([3])],
                outputs: [shape], outputNames: ["y"]))
        let relu = graph.append(
            Node(
                name: "relu", type: "Relu", inputs: [sum], inputNames: ["x"], inputDescs: [shape], outputs: [shape],
                outputNames: ["y"]))
        graph.append(Node(name: "Node_Output", type: "NetOutput", inputs: [relu], inputDescs: [shape]))
        return Model(
            name: "small", graph: graph, attributes: ["attr_model_out_nodes_name": .strings(["relu:0:result"])])
    }()

    /// An attribute of every kind, empty and filled lists, nested ones.
    static let attributes: [String: Attribute] = {
        let tensor = Constant(ints: [1, -2], dataType: .int32)
        var blocked = desc([1, 1, 4, 4, 16], .float16, format: .nc1hwc0)
        blocked.originShape = [1, 3, 4, 4]
        blocked.originFormat = .nchw
        blocked.size = 544
        blocked.attributes = ["format_for_int": .int(0x0500_0003), "own": .bool(true)]
        let plain: [String: Attribute] = [
            "string": .string("gr\u{FC}n"), "empty string": .string(""), "bytes": .bytes([0, 255]), "int": .int(.min),
            "zero": .int(0), "float": .float(-0.5), "false": .bool(false), "true": .bool(true),
            "type": .dataType(.bfloat16), "tensor": .tensor(tensor), "desc": .tensorDesc(blocked),
            "strings": .strings(["a", "", "b"]), "no strings": .strings([]), "ints": .ints([1, -1, .max]),
            "no ints": .ints([]), "floats": .floats([0, 1.5]), "no floats": .floats([]),
            "bools": .bools([true, false]),
            "no bools": .bools([]), "types": .dataTypes([.float, .int4]), "int lists": .intLists([[1, 2], [], [3]]),
            "no int lists": .intLists([]), "float lists": .floatLists([[1], [2.5, -3]]),
            "tensors": .tensors([tensor, tensor]), "descs": .tensorDescs([blocked, desc([], .undefined)]),
            "byte strings": .byteStrings([[1], []]),
        ]
        var all = plain
        all["named"] = .named("inner", plain)
        all["named list"] = .namedList([.named("first", plain), .named("", [:])])
        return all
    }()

    /// Sub-graphs, control edges, absent inputs, shared and large constants, all attributes.
    static let large: Model = {
        let shape = desc([1, 8], .float)
        let flag = desc([], .bool)
        let long = Constant(floats: (0..<2048).map { Float($0) }, shape: [256, 8])
        var graph = Graph(name: "root", attributes: ["graph attribute": .int(3)])
        let cond = graph.append(data("cond", index: 1, flag))
        let x = graph.append(data("x:with:colons", index: 0, shape))
        let weights = graph.append(const("weights", long))
        let again = graph.append(const("the same weights", long))
        let none = graph.append(const("nothing", Constant(floats: [], shape: [0])))
        let bias = graph.append(const("bias", Constant(floats: [0.25, 4], shape: [2])))
        let odd = graph.append(
            Node(
                name: "odd", type: "Odd", inputs: [x, nil, bias, nil], inputNames: ["x", "", "bias", ""],
                controlInputs: [cond.node, none.node],
                inputDescs: [
                    shape, TensorDesc(.undefined, [], format: .reserved), desc([2]),
                    TensorDesc(.undefined, [], format: .reserved),
                ],
                outputs: [shape, desc([-1, 3], .int64, format: .nchw)], outputNames: ["y", "rest"],
                attributes: attributes))
        let product = graph.append(
            Node(
                name: "product", type: "Product", inputs: [weights, again, TensorRef(odd.node, 1)],
                inputDescs: [long.desc, long.desc, desc([-1, 3], .int64, format: .nchw)], outputs: [shape]))
        let branch = graph.append(
            Node(
                name: "branch", type: "If", inputs: [cond, product], inputNames: ["cond", "input0"],
                inputDescs: [flag, shape], outputs: [shape], outputNames: ["output0"], subgraphs: ["yes", "no"]))
        graph.append(
            Node(
                name: "Node_Output", type: "NetOutput", inputs: [branch, TensorRef(odd.node, 1)],
                inputDescs: [shape, desc([-1, 3], .int64, format: .nchw)]))
        return Model(
            name: "large", graph: graph, subgraphs: [body("yes", "Relu"), body("no", "Neg")],
            attributes: ["soc_version": .string("Ascend310"), "memory_size": .int(4096)])
    }()

    private static func body(_ name: String, _ type: String) -> Graph {
        let shape = desc([1, 8])
        var graph = Graph(name: name)
        let x = graph.append(
            Node(
                name: "x", type: "Data", inputs: [nil], inputDescs: [shape], outputs: [shape],
                attributes: ["index": .int(0), "_parent_node_index": .int(1)]))
        let y = graph.append(Node(name: "y", type: type, inputs: [x], inputDescs: [shape], outputs: [shape]))
        graph.append(Node(name: "out", type: "NetOutput", inputs: [y], inputDescs: [shape]))
        return graph
    }
}
