// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc
import Settings

/// Lines on standard error for what is no failure of a call and must not pass in silence either.
enum Notice {
    private static let said = Protected(Set<String>())

    /// Writes `text`, unless the process has already done so.
    static func sayOnce(_ text: String) {
        guard said.withLock({ $0.insert(text).inserted }) else { return }
        say([text])
    }

    /// Writes lines that stay together.
    static func say(_ lines: [String]) {
        let text = lines.map { "pyaclmdl: \(printable($0))\n" }.joined()
        // Where standard error is closed nobody wants to know.
        unsafe _ = Array(text.utf8).withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

extension Environment {
    /// The environment of the process. With the first use every setting in it is checked.
    static let process: Environment = {
        let environment = Environment(variable: Settings.variableOfProcess, complain: Notice.sayOnce)
        Settings.check(environment, names: Settings.namesInProcess())
        return environment
    }()
}
