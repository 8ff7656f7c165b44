// SPDX-License-Identifier: Apache-2.0

/// Conversions between floats and other types. Integers get the integer part, the nearest number of the type where it does
/// not fit, and 0 for NaN; booleans whether a number differs from 0.
public enum ElementConversion: UInt8, Sendable {
    case floatToHalf, halfToFloat
    case floatToInt32, floatToInt64, floatToInt8, floatToUInt8, floatToBoolean
}
