// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The host that the library plays: how many devices, of which kind, with how much memory.
///
/// Read once from the environment; docs/runtime.md describes the variables.
struct HostProfile: Sendable {
    enum RunMode: Int32, Sendable {
        case device = 0
        case host = 1
    }

    /// Devices of the machine, before `ASCEND_RT_VISIBLE_DEVICES`.
    var realDeviceCount: Int32 = 1
    /// The real number of each visible device; nil when the list of visible devices cannot be used.
    var visibleDevices: [Int32]? = [0]
    /// What `ASCEND_RT_VISIBLE_DEVICES` holds, for messages.
    var visibleList: String?
    var socName = "Ascend310P3"
    /// Bytes of memory of each device.
    var deviceMemory: UInt64 = 64 << 30
    var runMode = RunMode.host
    /// What the version queries answer where no installed package says otherwise.
    var cannVersion = "8.5.0"
    /// Root of an installed CANN (`ASCEND_HOME_PATH`), whose version files count.
    var homePath: String?

    static let cubeCores: Int64 = 8
    static let vectorCores: Int64 = 8
    static let aicpuCores: Int64 = 4
    static let cacheBytes: Int64 = 16 << 20

    static let current = HostProfile { name in
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// - `variable`: the value of an environment variable.
    init(_ variable: (String) -> String?) {
        if let text = variable("PYACLMDL_DEVICE_COUNT"), let count = Int32(text), (0...1024).contains(count) {
            realDeviceCount = count
        }
        if let text = variable("PYACLMDL_SOC_NAME"), !text.isEmpty { socName = text }
        if let text = variable("PYACLMDL_DEVICE_MEMORY"), let bytes = Self.bytes(text) { deviceMemory = bytes }
        if variable("PYACLMDL_RUN_MODE") == "device" { runMode = .device }
        if let text = variable("PYACLMDL_CANN_VERSION"), PackageVersion(text) != nil { cannVersion = text }
        homePath = variable("ASCEND_HOME_PATH")
        visibleList = variable("ASCEND_RT_VISIBLE_DEVICES")
        visibleDevices = Self.visible(visibleList, of: realDeviceCount)
    }

    /// The number of devices that programs see.
    var deviceCount: Int32 { Int32(visibleDevices?.count ?? 0) }

    /// A number of bytes with an optional K, M, G or T (powers of 1024).
    static func bytes(_ text: String) -> UInt64? {
        let units: [Character: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        guard let last = text.last else { return nil }
        let unit = units[Character(last.uppercased())]
        guard let number = UInt64(unit == nil ? text[...] : text.dropLast()), number > 0 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
        return overflow || bytes > 1 << 62 ? nil : bytes
    }

    /// Reads the list of visible devices: cut at the first entry that is no number or no device; nil when nothing is
    /// left, or an entry is not greater than the one before it.
    static func visible(_ list: String?, of count: Int32) -> [Int32]? {
        guard let list else { return Array(0..<count) }
        var devices: [Int32] = []
        for entry in list.split(separator: ",", omittingEmptySubsequences: false) {
            let number = entry.filter { $0 != " " }
            guard let device = Int32(number), device >= 0, device < count else { break }
            if let last = devices.last, device <= last { return nil }
            devices.append(device)
        }
        return devices.isEmpty ? nil : devices
    }
}
