// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc
import ONNXImport
import Settings
import SystemMemory

/// The run of the program: the lines that it prints, and what it does in each mode.
enum Converter {
    /// Returns whether the run succeeded.
    static func run(_ arguments: [String]) -> Bool {
        SystemMemory.setLastWords(
            """
            ...
            ATC run failed, Please check the detail log, Try 'atc --help' for more information
            E19999: The system has no memory left for the conversion.
                    TraceBack (most recent call last):


            """, status: 255)
        print("ATC start working now, please wait for a moment.")
        // The arguments are then not complete, perhaps.
        if SystemMemory.wasExhausted { return fail(memoryExhausted) }
        let options: ParsedOptions
        do {
            options = try ParsedOptions(arguments)
        } catch {
            switch error {
            case .usage(let text):
                printError("ERROR: \(text)")
                return fail(nil)
            case .value(let error): return fail(error)
            }
        }
        if options.wantsHelp {
            print(OptionSpec.usage)
            return true
        }
        do {
            try work(options, arguments: arguments)
        } catch {
            print("...")
            // Without memory things fail for reasons that are not their own.
            return fail(SystemMemory.wasExhausted ? memoryExhausted : error)
        }
        print("...")
        print("ATC run success, welcome to the next use.")
        return true
    }

    private static func work(_ options: ParsedOptions, arguments: [String]) throws(ConversionError) {
        switch options.value("mode", default: "0") {
        case "6":
            guard !options.has("framework") else {
                throw ConversionError("E10057", "Parameters [--om] and [--mode] 6 are only used together, alone.")
            }
            guard options.has("om") else { throw ConversionError("E10004", "Parameter [--om] is empty.") }
            try displayModelInfo(options.value("om"))
        default:
            try ModelConversion(options, arguments: arguments).run()
        }
    }

    /// Throws when the system has refused memory to the conversion.
    static func checkMemory() throws(ConversionError) {
        if SystemMemory.wasExhausted { throw memoryExhausted }
    }

    private static var memoryExhausted: ConversionError {
        ConversionError("E19999", "The system has no memory left for the conversion.")
    }

    /// Prints the lines after a failure; without an error of its own an internal one.
    private static func fail(_ error: ConversionError?) -> Bool {
        print("ATC run failed, Please check the detail log, Try 'atc --help' for more information")
        guard let error else {
            print("E19999: Internal Error!\n        An unknown error occurred. Please check the log.\n")
            return false
        }
        print(printable("\(error.code): \(error.message)"))
        if let cause = error.cause { print(printable("        Possible Cause: \(cause)")) }
        if let solution = error.solution { print(printable("        Solution: \(solution)")) }
        print("        TraceBack (most recent call last):\n")
        return false
    }

    /// A line on standard error, in which nothing steers a terminal.
    @Sendable static func printError(_ text: String) {
        let line = printable(text) + "\n"
        // Safe: the C library only reads the text during the call.
        unsafe line.withCString { unsafe _ = Glibc.write(2, $0, line.utf8.count) }
    }
}

extension Environment {
    /// The environment of the process; complaints are lines on standard error.
    static let process = Environment(variable: Settings.variableOfProcess) { Converter.printError("atc: \($0)") }
}
