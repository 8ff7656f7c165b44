// SPDX-License-Identifier: Apache-2.0

package import COneDNN

/// A call into oneDNN that did not succeed.
public struct OneDNNError: Error, Equatable, CustomStringConvertible {
    package init(function: String, status: UInt32) {
        self.function = function
        self.status = status
    }

    /// The C function.
    public let function: String
    /// `dnnl_status_t`: 1 out of memory, 2 invalid arguments, 3 unimplemented, 5 last implementation reached,
    /// 6 runtime error.
    public let status: UInt32

    public var isUnimplemented: Bool { status == dnnl_unimplemented.rawValue }

    public var description: String {
        let names = [
            "success", "out of memory", "invalid arguments", "unimplemented", "", "last implementation",
            "runtime error", "not required",
        ]
        let name = status < names.count ? names[Int(status)] : "unknown status"
        return "\(function) failed: \(name) (\(status))"
    }

    package static func check(_ status: dnnl_status_t, _ function: StaticString) throws(OneDNNError) {
        guard status == dnnl_success else { throw OneDNNError(function: "\(function)", status: status.rawValue) }
    }
}
