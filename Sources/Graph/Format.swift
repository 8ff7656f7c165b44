// SPDX-License-Identifier: Apache-2.0

/// The meaning and order of a tensor's dimensions: GE's `Format`, also AscendCL's `aclFormat`.
///
/// A struct over the number, since files may hold formats that no name is known for.
public struct Format: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let undefined = Format(rawValue: -1)
    public static let nchw = Format(rawValue: 0)
    public static let nhwc = Format(rawValue: 1)
    public static let nd = Format(rawValue: 2)
    public static let nc1hwc0 = Format(rawValue: 3)
    public static let fractalZ = Format(rawValue: 4)
    public static let nc1hwc0C04 = Format(rawValue: 12)
    public static let fractalZC04 = Format(rawValue: 13)
    public static let chwn = Format(rawValue: 14)
    public static let hwcn = Format(rawValue: 16)
    public static let ndhwc = Format(rawValue: 27)
    public static let fractalNZ = Format(rawValue: 29)
    public static let ncdhw = Format(rawValue: 30)
    public static let dhwcn = Format(rawValue: 31)
    public static let ndc1hwc0 = Format(rawValue: 32)
    public static let fractalZ3D = Format(rawValue: 33)
    public static let nc = Format(rawValue: 35)
    public static let reserved = Format(rawValue: 40)
    public static let ncl = Format(rawValue: 47)
}
