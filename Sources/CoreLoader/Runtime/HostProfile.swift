// SPDX-License-Identifier: Apache-2.0

import Settings

/// The host that the library plays: how many devices, of which kind, with how much memory.
///
/// Read once from the environment, see `Settings`.
struct HostProfile: Sendable {
    enum RunMode: Int32, Sendable {
        case device = 0
        case host = 1
    }

    /// Devices of the machine, before `ASCEND_RT_VISIBLE_DEVICES`.
    let realDeviceCount: Int32
    /// The real number of each visible device; nil when the list of visible devices cannot be used.
    let visibleDevices: [Int32]?
    /// What `ASCEND_RT_VISIBLE_DEVICES` holds, for messages.
    let visibleList: String?
    let socName: String
    /// Bytes of memory of each device.
    let deviceMemory: UInt64
    let runMode: RunMode
    /// What the version queries answer where no installed package says otherwise.
    let cannVersion: String
    /// Root of an installed CANN, whose version files count.
    let homePath: String?

    static let cubeCores: Int64 = 8
    static let vectorCores: Int64 = 8
    static let aicpuCores: Int64 = 4
    static let cacheBytes: Int64 = 16 << 20

    static let current = HostProfile(.process)

    init(_ environment: Environment) {
        realDeviceCount = Settings.deviceCount.value(in: environment)
        visibleList = Settings.visibleDevices.value(in: environment)
        visibleDevices = Self.visible(visibleList, of: realDeviceCount)
        socName = Settings.socName.value(in: environment)
        deviceMemory = Settings.deviceMemory.value(in: environment)
        runMode = Settings.isDevice.value(in: environment) ? .device : .host
        cannVersion = Settings.cannVersion.value(in: environment)
        homePath = Settings.homePath.value(in: environment)
    }

    /// The number of devices that programs see.
    var deviceCount: Int32 { Int32(visibleDevices?.count ?? 0) }

    /// How to get more devices than there are, for messages.
    var moreDevices: String {
        visibleList == nil
            ? "\(Settings.deviceCount.name) sets how many devices this host plays"
            : "\(Settings.visibleDevices.name) is \(visibleList ?? "")"
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
