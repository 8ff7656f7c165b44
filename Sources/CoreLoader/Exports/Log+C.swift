// SPDX-License-Identifier: Apache-2.0

public import CAscendCL
import Glibc
import Settings

enum Log {
    /// The lowest level that is written: `ASCEND_GLOBAL_LOG_LEVEL`, errors only by default, 4 for none.
    static let level = Settings.logLevel.value(in: .process)

    static var isDebug: Bool { level == 0 }
}

@c @implementation
public func pyaclmdlWriteLog(
    _ level: aclLogLevel, _ function: UnsafePointer<CChar>?, _ file: UnsafePointer<CChar>?, _ line: UInt32,
    _ text: UnsafePointer<CChar>?
) {
    let names = ["DEBUG", "INFO", "WARNING", "ERROR"]
    guard level.rawValue >= Log.level, names.indices.contains(Int(level.rawValue)) else { return }
    let (function, file, text) = (CoreLoader.text(function), CoreLoader.text(file), CoreLoader.text(text))
    let place = "\(file ?? ""):\(line) \(pyaclmdlThreadNumber()) \(function ?? "")"
    let entry = "[\(names[Int(level.rawValue)])] APP(\(getpid())):\(timestamp()) [\(place)] \(text ?? "")\n"
    // A log that cannot be written has nowhere to complain.
    unsafe _ = Array(entry.utf8).withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
