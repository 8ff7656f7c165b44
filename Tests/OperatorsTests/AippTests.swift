// SPDX-License-Identifier: Apache-2.0

import GEGraph
import Testing

/// The whole of AIPP is tested through `atc` and `acl`; here, the operator on graphs that nobody would write.
@Suite struct AippTests {
    static let types: Set<String> = ["Aipp"]

    private static let rgb: [String: Attribute] = [
        "input_format": .int(3), "src_image_size_w": .int(4), "src_image_size_h": .int(2),
    ]

    /// An image [1, 2, 4, 3] before AIPP, [1, 3, 2, 4] behind it.
    private func graph(
        _ configuration: [String: Attribute], bytes: Int = 24, result: TensorDesc? = nil, parameterBytes: Int? = nil
    ) -> Graph {
        var graph = Graph(name: "aipp")
        var inputs = [
            graph.append(
                Node(
                    name: "x", type: "Data", outputs: [TensorDesc(.uint8, [1, 2, 4, 3], format: .nhwc, size: bytes)],
                    attributes: ["index": .int(0), "_data_related_aipp_mode": .string("static_aipp")]))
        ]
        if let parameterBytes {
            inputs.append(
                graph.append(
                    Node(
                        name: "p", type: "AippData", outputs: [TensorDesc(.uint8, [parameterBytes])],
                        attributes: ["index": .int(1)])))
        }
        let node = graph.append(
            Node(
                name: "aipp", type: "Aipp", inputs: inputs,
                outputs: [result ?? TensorDesc(.float, [1, 3, 2, 4], format: .nchw)],
                attributes: ["aipp": .named("aipp", configuration)]))
        graph.append(Node(name: "output", type: "NetOutput", inputs: [node]))
        return graph
    }

    @Test func turnsPixelsIntoPlanes() throws {
        let image = (0..<24).map { UInt8($0 * 10) }
        let values = Self.rgb.merging(["mean_chn_1": .int(5), "var_reci_chn_2": .floats([0.5])]) { $1 }
        for format in [Format.nchw, .nhwc] {
            let shape = format == .nchw ? [1, 3, 2, 4] : [1, 2, 4, 3]
            let desc = TensorDesc(.float, shape, format: format)
            let result = Tensor(desc, bytes: try execute(graph(values, result: desc), [image])[0])
            for (pixel, channel) in (0..<8).flatMap({ pixel in (0..<3).map { (pixel, $0) } }) {
                let stored = Double(pixel * 3 + channel) * 10
                let expected = channel == 1 ? stored - 5 : channel == 2 ? stored / 2 : stored
                let place = format == .nchw ? channel * 8 + pixel : pixel * 3 + channel
                #expect(result.values[place] == expected)
            }
        }
    }

    /// What is not fit was checked before; should it change meanwhile, nothing outside of the image is read.
    @Test func unfitParametersGiveZeros() throws {
        let image = [UInt8](repeating: 200, count: 24)
        var parameters = [UInt8](repeating: 0, count: 160)
        (parameters[0], parameters[4], parameters[8], parameters[12]) = (5, 1, 4, 2)
        parameters.replaceSubrange(72..<80, with: [0, 0x3C, 0, 0x3C, 0, 0x3C, 0, 0x3C])
        parameters.replaceSubrange(136..<144, with: [0, 0x3C, 0, 0x3C, 0, 0x3C, 0, 0x3C])
        let graph = graph([:], parameterBytes: 160)
        let desc = TensorDesc(.float, [1, 3, 2, 4])
        #expect(Tensor(desc, bytes: try execute(graph, [image, parameters])[0]).values.allSatisfy { $0 == 200 })
        for (place, value) in [(0, UInt8(9)), (4, 0), (9, 255), (8, 2), (64, 1), (65, 1)] {
            var wrong = parameters
            wrong[place] = value
            #expect(Tensor(desc, bytes: try execute(graph, [image, wrong])[0]).values.allSatisfy { $0 == 0 })
        }
    }

    @Test(arguments: [
        (["src_image_size_w": Attribute.int(5)], 24, "cannot become 4 x 2"),
        (["input_format": .int(7)], 24, "input_format is 7"), ([:], 23, "its images take 24 bytes"),
        (
            ["crop": .bool(true), "crop_size_w": .int(4), "crop_size_h": .int(2), "load_start_pos_w": .int(1)], 24,
            "cannot"
        ),
    ])
    func refuses(_ changes: [String: Attribute], _ bytes: Int, _ reason: String) {
        let error = #expect(throws: GraphError.self) {
            _ = try execute(graph(Self.rgb.merging(changes) { $1 }, bytes: bytes), [[UInt8](repeating: 0, count: 24)])
        }
        #expect(error.map { "\($0)".contains(reason) } == true, "\(String(describing: error))")
    }

    @Test func refusesParametersThatAreTooShort() {
        #expect(throws: GraphError.self) {
            _ = try execute(
                graph([:], parameterBytes: 159), [[UInt8](repeating: 0, count: 24), [UInt8](repeating: 0, count: 159)])
        }
    }
}
