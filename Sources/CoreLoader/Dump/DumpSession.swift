// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A dump from the moment it was set until it is finalised: where its files go, and whether they still do.
final class DumpSession: Sendable {
    let settings: DumpSettings
    /// The folder of the configuration; nil when only a callback takes the data.
    private let folder: String?
    /// The folder's name for this dump, `YYYYMMDDHHMMSS`.
    private let time: String
    private let open = Atomic(true)
    /// Guards the making of folders and files, and holds the time of the latest file.
    private let latest = Protected<UInt64>(0)

    /// The longest name that a file may have.
    private static let nameLimit = 255

    init(_ settings: DumpSettings, writesFiles: Bool) {
        self.settings = settings
        folder = writesFiles ? FileContent.resolved(settings.path) : nil
        time = Self.folderTime()
    }

    var isOpen: Bool { open.load(ordering: .acquiring) }
    func close() { open.store(false, ordering: .releasing) }

    /// Now in microseconds since 1970; no two files of a dump get the same.
    func nextTime() -> UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let microseconds = UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1000
        return latest.withLock { latest in
            latest = max(latest + 1, microseconds)
            return latest
        }
    }

    /// Writes a file, or hands it to the callback if the program has registered one.
    /// - folders: below the folder of this dump, from the outside in.
    func write(_ bytes: [UInt8], folders: [String], name: String) throws(Failure) {
        guard isOpen else { return }
        let parts = [time] + folders
        let path = ([folder ?? "."] + parts + [name]).joined(separator: "/")
        if try DumpCallback.deliver(bytes, of: path) { return }
        guard let folder else { return }
        try latest.withLock { _ throws(Failure) in
            guard name.utf8.count > Self.nameLimit else {
                return try DumpFolder.write(bytes, to: name, in: parts, of: folder)
            }
            let short = String(UInt64.random(in: 1_000_000_000_000_000_000..<UInt64.max))
            try DumpFolder.write(bytes, to: short, in: parts, of: folder)
            try DumpFolder.append("\(short),\(name)\n", to: "mapping.csv", in: parts, of: folder)
        }
    }

    private static func folderTime() -> String {
        // `2026-08-22-13:05:09.123.456` without what separates and without the fraction.
        String(timestamp().filter(\.isNumber).prefix(14))
    }
}
