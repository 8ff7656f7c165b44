// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SaturatingArithmetic

/// The table that a dump of statistics (`dump_data` "stats") writes instead of tensors.
public struct DumpStatistics: Sendable {
    /// A column, spelled as `dump_stats` selects it.
    public enum Item: String, CaseIterable, Sendable {
        case max = "Max"
        case min = "Min"
        case average = "Avg"
        case nan = "Nan"
        case negativeInfinity = "Negative Inf"
        case positiveInfinity = "Positive Inf"
        case norm = "L2norm"

        fileprivate var title: String {
            switch self {
            case .max, .min, .average: "\(rawValue) Value"
            case .nan, .negativeInfinity, .positiveInfinity: "\(rawValue) Count"
            case .norm: "l2norm"
            }
        }
    }

    private let items: [Item]
    private let countsElements: Bool
    /// The table so far, its head line first.
    public private(set) var text: String

    /// - items: the columns; empty for the usual ones, which a count of elements goes with.
    public init(items: [Item]) {
        countsElements = items.isEmpty
        self.items = items.isEmpty ? Item.allCases.filter { $0 != .norm } : Item.allCases.filter(items.contains)
        var titles = ["Input/Output", "Index", "Data Size", "Data Type", "Format", "Shape"] + self.items.map(\.title)
        if countsElements { titles.insert("Count", at: 9) }
        text = titles.joined(separator: ",") + "\n"
    }

    /// Adds the line of one tensor.
    /// - bytes: the tensor's elements, densely packed.
    public mutating func append(
        isOutput: Bool, index: Int, _ desc: TensorDesc, _ bytes: UnsafeRawBufferPointer
    ) {
        let summary = unsafe Summary(desc.dataType, bytes)
        var cells = [
            isOutput ? "Output" : "Input", "\(index)", "\(bytes.count)", desc.dataType.dumpName,
            desc.format.primary.layout ?? "ND", desc.shape.map(String.init).joined(separator: "x"),
        ]
        cells += items.map { summary?.text(of: $0) ?? "" }
        if countsElements { cells.insert(summary.map { "\($0.count)" } ?? "", at: 9) }
        text += cells.joined(separator: ",") + "\n"
    }
}

extension DataType {
    fileprivate var dumpName: String { self == .bfloat16 ? "DT_BF16" : "DT_\("\(self)".uppercased())" }
}

/// What is counted in one tensor. Extremes and sums leave out what is not a number.
private struct Summary {
    var count = 0
    private var nan = 0
    private var negativeInfinities = 0
    private var positiveInfinities = 0
    private var largest = -Double.infinity
    private var smallest = Double.infinity
    private var sum = 0.0
    private var squares = 0.0

    /// Nil for a type that has no order.
    init?(_ type: DataType, _ bytes: UnsafeRawBufferPointer) {
        switch type {
        case .float: unsafe add(bytes, as: Float.self) { Double($0) }
        case .double: unsafe add(bytes, as: Double.self) { $0 }
        case .float16: unsafe add(bytes, as: UInt16.self) { Double(Self.half($0)) }
        case .bfloat16: unsafe add(bytes, as: UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .int8: unsafe add(bytes, as: Int8.self) { Double($0) }
        case .uint8, .bool: unsafe add(bytes, as: UInt8.self) { Double($0) }
        case .int16: unsafe add(bytes, as: Int16.self) { Double($0) }
        case .uint16: unsafe add(bytes, as: UInt16.self) { Double($0) }
        case .int32: unsafe add(bytes, as: Int32.self) { Double($0) }
        case .uint32: unsafe add(bytes, as: UInt32.self) { Double($0) }
        case .int64: unsafe add(bytes, as: Int64.self) { Double($0) }
        case .uint64: unsafe add(bytes, as: UInt64.self) { Double($0) }
        default: return nil
        }
    }

    private mutating func add<Element: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, as type: Element.Type, _ value: (Element) -> Double
    ) {
        let stride = MemoryLayout<Element>.stride
        count = bytes.count / stride
        for index in 0..<count {
            let value = value(unsafe bytes.loadUnaligned(fromByteOffset: index * stride, as: type))
            if value.isNaN {
                nan += 1
                continue
            }
            if value == .infinity { positiveInfinities += 1 }
            if value == -.infinity { negativeInfinities += 1 }
            largest = max(largest, value)
            smallest = min(smallest, value)
            sum += value
            squares += value * value
        }
    }

    private static func half(_ bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10 & 0x1f)
        let fraction = Float(bits & 0x3ff)
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
        }
    }

    func text(of item: DumpStatistics.Item) -> String {
        let numbers = count - nan
        switch item {
        case .max: return numbers == 0 ? "nan" : Self.text(largest)
        case .min: return numbers == 0 ? "nan" : Self.text(smallest)
        case .average: return numbers == 0 ? "nan" : Self.text(sum / Double(numbers))
        case .nan: return "\(nan)"
        case .negativeInfinity: return "\(negativeInfinities)"
        case .positiveInfinity: return "\(positiveInfinities)"
        case .norm: return Self.text(squares.squareRoot())
        }
    }

    /// Whole numbers without a fraction.
    private static func text(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }
}
