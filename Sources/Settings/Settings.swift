// SPDX-License-Identifier: Apache-2.0

public import Files
import Glibc

/// Every environment variable that this project reads, whichever part reads it. README.md shows the same table; a test
/// compares them with each other and with the sources.
public enum Settings {
    // MARK: What the library reads

    public static let threads = Setting<Int?>(
        "PYACLMDL_NUM_THREADS", "a number from 1 to 1024", default: nil, "all processors"
    ) { text throws(Unreadable) in
        try number(text, in: 1...1024)
    }

    public static let cpuLevel = Setting<String?>(
        "PYACLMDL_CPU_LEVEL", "baseline, avx2 or avx512", default: nil, "the highest that the processor has",
        parse: choice(["baseline": "baseline", "avx2": "avx2", "avx512": "avx512"]))

    public static let deviceCount = Setting<Int32>(
        "PYACLMDL_DEVICE_COUNT", "a number from 0 to 1024", default: 1, "1"
    ) { text throws(Unreadable) in
        try number(text, in: 0...1024)
    }

    public static let deviceMemory = Setting<UInt64>(
        "PYACLMDL_DEVICE_MEMORY", "a number of bytes, with K, M, G or T for powers of 1024", default: 64 << 30, "64G"
    ) { text throws(Unreadable) in
        try Unreadable.unless(bytes(text))
    }

    public static let socName = Setting<String>(
        "PYACLMDL_SOC_NAME", "a name", default: "Ascend310P3", "Ascend310P3", parse: nonEmpty)

    public static let isDevice = Setting<Bool>(
        "PYACLMDL_RUN_MODE", "host or device", default: false, "host", parse: choice(["host": false, "device": true]))

    public static let cannVersion = Setting<String>(
        "PYACLMDL_CANN_VERSION", "a version such as 8.5.0", default: "8.5.0", "8.5.0"
    ) { text throws(Unreadable) in
        guard text.prefix(while: { $0 != "-" }).split(separator: ".").count >= 2 else { throw Unreadable() }
        return text
    }

    public static let linkedWeights = Setting<LinkPolicy>(
        "PYACLMDL_WEIGHT_LINKS", "refuse or follow", default: .refuse, "refuse",
        parse: choice(["refuse": .refuse, "follow": .follow]))

    public static let logLevel = Setting<UInt32>(
        "ASCEND_GLOBAL_LOG_LEVEL", "a number from 0 to 4", default: 3, "3"
    ) { text throws(Unreadable) in
        try number(text, in: 0...4)
    }

    /// A list that makes no sense has a code of its own: `HostProfile` reads it.
    public static let visibleDevices = Setting<String?>(
        "ASCEND_RT_VISIBLE_DEVICES", "numbers of devices", default: nil, "all devices"
    ) { $0 }

    public static let homePath = Setting<String?>("ASCEND_HOME_PATH", "a folder", default: nil, "none") { $0 }

    // MARK: What other parts read

    /// `python/acl/__init__.py`
    static let library = Setting<String?>(
        "PYACLMDL_LIBRARY", "a path", default: nil, "the library beside the module"
    ) { text throws(Unreadable) in try nonEmpty(text) }

    /// Read by builds, tests and examples.
    static let elsewhere = [
        "PYACLMDL_ATC", "PYACLMDL_BUILD_PATH", "PYACLMDL_STRESS_CALLS", "PYACLMDL_SWEEP_STRIDE", "SWIFT",
    ]

    // MARK: Checks

    /// Complains about every setting that cannot be read, and about names that look like settings and are none.
    /// - names: of all variables that are set.
    public static func check(_ environment: Environment, names: [String]) {
        let known = [
            check(threads, environment), check(cpuLevel, environment), check(deviceCount, environment),
            check(deviceMemory, environment),
            check(socName, environment), check(isDevice, environment), check(cannVersion, environment),
            check(linkedWeights, environment), check(logLevel, environment), check(library, environment),
        ]
        let own = (known + elsewhere).filter { $0.hasPrefix(prefix) }.sorted()
        for name in names.sorted() where name.hasPrefix(prefix) && !own.contains(name) {
            environment.complain(
                "\(printable(name)) is not a setting and has no effect. "
                    + "The closest known name is \(closest(to: name, among: own)).")
        }
    }

    private static let prefix = "PYACLMDL_"

    private static func check<Value>(_ setting: Setting<Value>, _ environment: Environment) -> String {
        _ = setting.value(in: environment)
        return setting.name
    }

    /// The names of all variables of the process.
    public static func namesInProcess() -> [String] {
        var names: [String] = []
        // Safe: the C library's own array, which ends with a null pointer; `clearenv` leaves none.
        let start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe environ
        guard var entry = unsafe start else { return [] }
        while let text = unsafe entry.pointee {
            names.append(String(unsafe String(cString: text).prefix { $0 != "=" }))
            unsafe entry += 1
        }
        return names
    }

    /// A variable of the process.
    public static func variableOfProcess(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// The name of `known` that was meant by `name`, most likely: few differences, and a long beginning in common.
    public static func closest(to name: String, among known: [String]) -> String {
        func score(_ other: String) -> Int { distance(other, name) - 2 * name.commonPrefix(with: other) }
        return known.min { score($0) < score($1) } ?? ""
    }

    /// How many characters must be put in, taken out or exchanged to make one text the other.
    static func distance(_ first: String, _ second: String) -> Int {
        let second = Array(second.unicodeScalars)
        var row = Array(0...second.count)
        for (index, scalar) in first.unicodeScalars.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in second.indices {
                let exchanged = diagonal + (scalar == second[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(exchanged, row[column] + 1, diagonal + 1)
            }
        }
        return row[second.count]
    }

    // MARK: Readers

    /// A number of bytes with an optional K, M, G or T (powers of 1024).
    static func bytes(_ text: String) -> UInt64? {
        let units: [Character: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        guard let last = text.last else { return nil }
        let unit = units[Character(last.uppercased())]
        guard let number = UInt64(unit == nil ? text[...] : text.dropLast()), number > 0 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
        return overflow || bytes > 1 << 62 ? nil : bytes
    }

    private static func number<Number: FixedWidthInteger>(
        _ text: String, in range: ClosedRange<Number>
    ) throws(Unreadable) -> Number {
        guard let number = Number(text), range.contains(number) else { throw Unreadable() }
        return number
    }

    @Sendable private static func nonEmpty(_ text: String) throws(Unreadable) -> String {
        guard !text.isEmpty else { throw Unreadable() }
        return text
    }

    private static func choice<Value: Sendable>(
        _ values: [String: Value]
    ) -> @Sendable (String) throws(Unreadable) -> Value {
        { text throws(Unreadable) in try Unreadable.unless(values[text]) }
    }
}

extension String {
    /// The number of characters with which both begin.
    fileprivate func commonPrefix(with other: String) -> Int {
        zip(unicodeScalars, other.unicodeScalars).prefix { $0 == $1 }.count
    }
}
