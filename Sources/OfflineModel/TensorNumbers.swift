// SPDX-License-Identifier: Apache-2.0

public import GEGraph
import SaturatingArithmetic

extension DataType {
    /// The types in the order of their numbers in `TensorDescriptor.dtype`, which are not those of `ge::DataType`;
    /// nil for numbers of types that a tensor here cannot have.
    private static let descriptorTypes: [DataType?] = [
        .undefined, .float, .float16, .int8, .uint8, .int16, .uint16, .int32, .int64, .uint32, .uint64, .bool, .double,
        .string, nil, nil, .complex64, .complex128, .qint8, .qint16, .qint32, .quint8, .quint16, .resource, nil, nil,
        nil, .bfloat16, .int4, .uint1, .int2, .uint2, .complex32, .hifloat8, .float8E5M2, .float8E4M3FN,
    ]

    private static let descriptorNumbers: [DataType: Int32] = Dictionary(
        uniqueKeysWithValues: descriptorTypes.enumerated().compactMap { index, type in
            type.map { ($0, Int32(clamping: index)) }
        }
    )

    /// The type that a tensor descriptor's number stands for; `undefined` for one that is not known here.
    init(descriptorNumber number: Int32) {
        let types = DataType.descriptorTypes
        self = types.indices.contains(Int(number)) ? types[Int(number)] ?? .undefined : .undefined
    }

    var descriptorNumber: Int32 { DataType.descriptorNumbers[self] ?? 0 }
}

extension Format {
    private static let namesByNumber: [Int32: String] = [
        0: "NCHW", 1: "NHWC", 2: "ND", 3: "NC1HWC0", 4: "FRACTAL_Z", 5: "NC1C0HWPAD", 6: "NHWC1C0", 7: "FSR_NCHW",
        8: "FRACTAL_DECONV", 9: "C1HWNC0", 12: "NC1HWC0_C04", 13: "FRACTAL_Z_C04", 14: "CHWN", 16: "HWCN",
        17: "NC1KHKWHWC0", 19: "FILTER_HWCK", 25: "C1HWNCoC0", 26: "MD", 27: "NDHWC", 28: "FRACTAL_ZZ",
        29: "FRACTAL_NZ", 30: "NCDHW", 31: "DHWCN", 32: "NDC1HWC0", 33: "FRACTAL_Z_3D", 34: "CN", 35: "NC", 36: "DHWNC",
        37: "FRACTAL_Z_3D_TRANSPOSE", 38: "FRACTAL_ZN_LSTM", 39: "FRACTAL_Z_G", 40: "FORMAT_RESERVED", 41: "ALL",
        42: "NULL", 43: "ND_RNN_BIAS", 44: "FRACTAL_ZN_RNN", 45: "NYUV", 46: "NYUV_A", 47: "NCL", 48: "FRACTAL_Z_WINO",
        49: "C1HWC0",
    ]
    private static let numbersByName = Dictionary(
        uniqueKeysWithValues: namesByNumber.map { ($0.value, $0.key) })

    /// The format that a descriptor's `layout` names; nil for a name that is not known.
    init?(layout: String) {
        guard let number = Format.numbersByName[layout] else { return nil }
        self.init(rawValue: number)
    }

    /// The name for a descriptor's `layout`; nil for a number without a name.
    var layout: String? { Format.namesByNumber[rawValue] }

    /// The format without the sub-format (groups, C0) that GE keeps in the upper bits of the number.
    public var primary: Format { rawValue >= 0 ? Format(rawValue: rawValue & 0xFF) : .undefined }

    /// Whether the elements lie in the order of the dimensions, without blocks or padding.
    var isPlain: Bool {
        switch self {
        case .nchw, .nhwc, .nd, .hwcn, .chwn, .ncdhw, .ndhwc, .dhwcn, .nc, .ncl: true
        default: false
        }
    }
}
