// SPDX-License-Identifier: Apache-2.0

import OfflineModel
import SaturatingArithmetic

/// The shapes among which a model with gears can be switched (atc's dynamic batch, image size and dims).
enum Gear: Equatable, Sendable, CustomStringConvertible {
    case batch(UInt64)
    case imageSize(height: UInt64, width: UInt64)
    /// The dims of all inputs one after the other, in the order that the model designates.
    case dims([Int64])

    var description: String {
        switch self {
        case .batch(let size): "Batch size \(size)"
        case .imageSize(let height, let width): "Image size \(height) x \(width)"
        case .dims(let dims): "Dims \(dims)"
        }
    }

    /// The values that go into the selector input.
    func selector(in facts: ModelFacts) -> [UInt64] {
        switch self {
        case .batch(let size): [size]
        case .imageSize(let height, let width): [height, width]
        case .dims(let all): facts.dynamicPositions.map { UInt64(bitPattern: all[$0]) }
        }
    }
}

extension ModelFacts {
    /// Dims of the inputs that a caller sees in gears, one after the other, −1 where a gear sets them.
    var designatedDims: [Int64] {
        let byName = Dictionary(
            description.inputs.map { ($0.name, $0.dims) }, uniquingKeysWith: { first, _ in first })
        let order =
            description.inputOrder.isEmpty
            ? description.inputs.map(\.name).filter { $0 != Self.gearInputName && !isAippParameters($0) }
            : description.inputOrder
        return order.flatMap { byName[$0] ?? [] }.map(Int64.init)
    }

    /// Where in `designatedDims` a gear sets the values.
    var dynamicPositions: [Int] { designatedDims.indices.filter { designatedDims[$0] < 0 } }

    /// Number of the gear; nil when the model has no such one.
    func index(of gear: Gear) -> Int? {
        switch gear {
        case .batch(let size):
            return description.dynamicBatch.firstIndex { UInt64(exactly: $0) == size }
        case .imageSize(let height, let width):
            return description.dynamicImageSize.firstIndex {
                $0.count == 2 && $0.map { UInt64(exactly: $0) } == [height, width]
            }
        case .dims:
            let values = gear.selector(in: self)
            return description.dynamicDims.firstIndex { $0.map { UInt64(exactly: $0) } == values }
        }
    }

    /// All gears in words.
    var gearList: String {
        if !hasGears { return "it has none" }
        return "\(description.dynamicBatch.map { [$0] } + description.dynamicImageSize + description.dynamicDims)"
    }

    /// Each gear's dims of all inputs, as `aclmdlGetInputDynamicDims` reports them.
    var gearDims: [[Int64]] {
        let template = designatedDims
        let positions = dynamicPositions
        return description.dynamicDims.map { gear in
            var dims = template
            for (position, value) in zip(positions, gear) { dims[position] = Int64(value) }
            return dims
        }
    }

    /// The shape of an output in a gear, as the model lists it ("gear,output,d0,d1,…", gear −1 for a shape of all gears).
    func outputDims(gear: Int, output: Int) throws(Failure) -> [Int] {
        for text in description.dynamicOutputShapes {
            // A scalar's entry ends in a comma in the original's files.
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let numbers = (parts.count == 3 && parts[2].isEmpty ? parts.dropLast() : parts).map { Int($0) }
            guard numbers.count >= 2, numbers.allSatisfy({ $0 != nil }) else {
                throw .engine(
                    ErrorCode.geFailure, "The model's list of output shapes holds '\(text)', not numbers.")
            }
            let values = numbers.compactMap { $0 }
            if (values[0] == gear || values[0] == -1) && values[1] == output { return Array(values[2...]) }
        }
        throw .engine(
            ErrorCode.failure, "The model does not list the shape of output \(output) in gear \(gear).")
    }
}
