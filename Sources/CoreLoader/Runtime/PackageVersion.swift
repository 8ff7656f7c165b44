// SPDX-License-Identifier: Apache-2.0

/// The version of an installed package, such as `8.5.0.alpha002`.
struct PackageVersion: Equatable, Sendable {
    let text: String
    /// At least four parts: major, minor, release, patch. A suffix after `-` is a part of its own, without dots.
    let parts: [String]

    /// Nil for fewer than two dotted parts.
    init?(_ text: String) {
        let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        var parts = (halves.first ?? "").split(separator: ".").map(String.init)
        guard parts.count >= 2 else { return nil }
        if halves.count > 1 { parts.append(halves[1].filter { $0 != "." }) }
        while parts.count < 4 { parts.append("0") }
        self.text = text
        self.parts = parts
    }

    /// major·10⁷ + minor·10⁵ + patch·1000, less for versions before a release; nil when a part is no number.
    var number: Int32? {
        guard let major = Int32(parts[0]), let minor = Int32(parts[1]), let patch = Int32(parts[2]),
            (0..<200).contains(major), (0..<100).contains(minor), (0..<100).contains(patch)
        else { return nil }
        let whole = major * 10_000_000 + minor * 100_000 + patch * 1000
        let stages: [(name: String, offset: Int32)] = [("alpha", -300), ("beta", -200), ("rc", -100)]
        for part in parts.dropFirst(3) {
            let lowered = part.lowercased()
            for stage in stages where lowered.hasPrefix(stage.name) {
                return whole + stage.offset + (Int32(lowered.dropFirst(stage.name.count)) ?? 0)
            }
        }
        return whole
    }

    /// Folders under `share/info` whose versions can be asked for even where nothing is installed.
    static let knownPackages = [
        "runtime", "bisheng-compiler", "compiler", "hccl", "oam-tools", "toolkit", "ops-legacy", "opp", "opp_kernel",
        "driver", "ge-executor", "ge-compiler",
    ]

    /// The version of `package`: what the installed file says, else the version that this host plays.
    /// - Parameter package: a folder name, with `-` and `_` taken as equal; nil is answered for unknown ones.
    static func installed(_ package: String, _ profile: HostProfile = .current) -> PackageVersion? {
        let exchanged = String(package.map { $0 == "-" ? "_" : $0 == "_" ? "-" : $0 })
        for name in [package, exchanged] {
            if let home = profile.homePath, let version = read("\(home)/share/info/\(name)/version.info") {
                return version
            }
        }
        return knownPackages.contains(package) || knownPackages.contains(exchanged)
            ? PackageVersion(profile.cannVersion) : nil
    }

    /// The line that starts with `Version=`; nil without a file that can be read.
    private static func read(_ path: String) -> PackageVersion? {
        guard let text = try? FileContent.text(of: path, limit: fileLimit) else { return nil }
        let lines = text.split { [UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains($0) }
        for line in lines where line.starts(with: "Version=".utf8) {
            let version = String(decoding: line.dropFirst("Version=".utf8.count), as: UTF8.self)
            return PackageVersion(version.filter { !$0.isWhitespace })
        }
        return nil
    }

    private static let fileLimit = 1 << 20
}

/// A family of chips: the name up to the digits at its end, such as `Ascend310P` of `Ascend310P3`.
func chipFamily(_ socName: String) -> String {
    guard let number = socName.firstIndex(where: \.isNumber) else { return socName }
    let rest = socName[number...].drop(while: \.isNumber)
    return String(socName[..<rest.startIndex]) + rest.prefix(while: \.isLetter)
}
