// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import Settings

@Suite struct SettingsTests {
    /// What is complained about in an environment of these variables.
    private final class Complaints: Sendable {
        private let texts = Mutex<[String]>([])
        var all: [String] { texts.withLock { $0 } }

        func environment(_ variables: [String: String]) -> Environment {
            Environment(variable: { variables[$0] }, complain: { text in self.texts.withLock { $0.append(text) } })
        }
    }

    @Test func unsetVariablesLeaveTheDefaultsInSilence() {
        let complaints = Complaints()
        let environment = complaints.environment([:])
        Settings.check(environment, names: ["PATH", "PYACLMDL"])
        #expect(complaints.all.isEmpty)
        #expect(Settings.threads.value(in: environment) == nil)
        #expect(Settings.deviceCount.value(in: environment) == 1)
        #expect(Settings.deviceMemory.value(in: environment) == 64 << 30)
    }

    @Test(
        arguments: [
            ("1", 1), ("8", 8), ("1024", 1024), ("0", nil), ("1025", nil), ("", nil), (" 4", nil), ("four", nil),
            ("-1", nil), ("4.0", nil), ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func threads(text: String, expected: Int?) {
        let complaints = Complaints()
        #expect(Settings.threads.value(in: complaints.environment([Settings.threads.name: text])) == expected)
        #expect(complaints.all.isEmpty == (expected != nil))
    }

    @Test(
        arguments: [
            ("1", 1), ("5K", 5 << 10), ("3m", 3 << 20), ("32G", 32 << 30), ("1T", 1 << 40), ("0", nil), ("G", nil),
            ("", nil), ("1.5G", nil), ("lots", nil), ("99999999999T", nil), ("-1G", nil),
        ] as [(String, UInt64?)])
    func bytes(text: String, expected: UInt64?) { #expect(Settings.bytes(text) == expected) }

    @Test func aValueThatCannotBeReadIsNamedWithWhatIsExpected() throws {
        let complaints = Complaints()
        let environment = complaints.environment(["PYACLMDL_RUN_MODE": "both\u{1b}"])
        #expect(!Settings.isDevice.value(in: environment))
        let text = try #require(complaints.all.first)
        #expect(
            text == #"PYACLMDL_RUN_MODE=both\u{1b} cannot be read. Expected: host or device. Used instead: host."#)
    }

    @Test(
        arguments: [
            ("PYACLMDL_NUM_THREAD", "PYACLMDL_NUM_THREADS"), ("PYACLMDL_THREADS", "PYACLMDL_NUM_THREADS"),
            ("PYACLMDL_DEVICES_COUNT", "PYACLMDL_DEVICE_COUNT"), ("PYACLMDL_DEVICES", "PYACLMDL_DEVICE_COUNT"),
            ("PYACLMDL_SOC", "PYACLMDL_SOC_NAME"),
            ("PYACLMDL_num_threads", "PYACLMDL_ATC"),
        ])
    func unknownNamesAreNamedWithTheClosest(name: String, closest: String) {
        let complaints = Complaints()
        Settings.check(complaints.environment([:]), names: [name, "PYACLMDL_LIBRARY", "PYACLMDL_BUILD_PATH"])
        #expect(complaints.all.count == 1)
        #expect(complaints.all.first?.hasPrefix("\(name) is not a setting") == true)
        if name.uppercased() == name { #expect(complaints.all.first?.hasSuffix("\(closest).") == true) }
    }

    @Test(arguments: [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("ab", "ba", 2)])
    func distances(first: String, second: String, expected: Int) {
        #expect(Settings.distance(first, second) == expected)
        #expect(Settings.distance(second, first) == expected)
    }
}
