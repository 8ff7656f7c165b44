// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

@testable import CoreLoader

@Suite struct RuntimeConfigurationTests {
    private func read(_ text: String) throws(Failure) -> Configuration {
        try Configuration(text: Array(text.utf8), path: "acl.json")
    }

    private func code(_ text: String) -> Int32 {
        do throws(Failure) {
            _ = try read(text)
            return 0
        } catch {
            return error.code
        }
    }

    @Test func settingsAreRead() throws {
        let configuration = try read(
            #"{"err_msg_mode": "1", "defaultDevice": {"default_device": "3"}, "other": [1, {}]}"#)
        #expect(configuration.hasProcessWideMessages)
        #expect(configuration.defaultDevice == 3)
        #expect(try read("") == Configuration())
    }

    @Test(
        arguments: [
            (#"{"err_msg_mode": 1}"#, 100_000), (#"{"err_msg_mode": "2"}"#, 100_000),
            (#"{"defaultDevice": {"default_device": "01"}}"#, 500_001), (#"{"defaultDevice": 0}"#, 500_001),
            (#"{"defaultDevice": {"default_device": "-1"}}"#, 500_001),
            (#"{"dump": 1}"#, 100_009), (#"{"profiler": []}"#, 100_010), (#"{"max_opqueue_num": 5}"#, 148_048),
            (#"{"StackSize": {"aicore_stack_size": "x"}}"#, 500_001), (#"{"simt_printf_fifo_size": 0}"#, 500_001),
            (#"{"acl_graph": {"event_mode": "2"}}"#, 100_000), ("{", 100_006), ("{\"a\": }", 100_006),
            ("[1,]", 100_006),
            (#"{"a": "\x"}"#, 100_006), ("{} {}", 100_006), ("{\"a\": 01}", 100_006),
        ] as [(String, Int32)])
    func mistakesGetTheirCodes(text: String, expected: Int32) { #expect(code(text) == expected) }

    @Test func nestingIsLimited() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(code(nested(10)) == 0)
        #expect(code(nested(11)) == 100_006)
        // Brackets inside strings count, too.
        #expect(code("{\"a\": \"" + String(repeating: "{", count: 10) + "\"}") == 100_006)
    }

    @Test func textsAreRead() {
        #expect(JSONValue(Array(#""a\u00e9\ud83d\ude00\n""#.utf8)) == .string("a\u{e9}\u{1f600}\n"))
        #expect(JSONValue(Array(#""\ud83d""#.utf8)) == nil)
        #expect(
            JSONValue(Array("[true, false, null, -1.5e+3]".utf8))
                == .array([.bool(true), .bool(false), .null, .number("-1.5e+3")]))
        #expect(JSONValue(Array(String(repeating: "[", count: 100_000).utf8)) == nil)
        #expect(JSONValue([0x22, 0xff, 0x22]) == nil)
    }

    @Test(
        arguments: [
            (nil, [0, 1, 2, 3]), ("1,3", [1, 3]), ("0", [0]), ("2,9,1", [2]), ("1, 2", [1, 2]), ("", nil), ("x", nil),
            ("1,1", nil), ("2,1", nil), ("-1", nil), ("3,x,1", [3]),
        ] as [(String?, [Int32]?)])
    func visibleDevicesFollowTheList(list: String?, expected: [Int32]?) {
        #expect(HostProfile.visible(list, of: 4) == expected)
    }

    private func environment(_ variables: [String: String]) -> Environment {
        Environment(variable: { variables[$0] }, complain: { _ in })
    }

    @Test func theHostIsDescribedByVariables() {
        let variables = [
            "PYACLMDL_DEVICE_COUNT": "8", "PYACLMDL_SOC_NAME": "Ascend910B3", "PYACLMDL_DEVICE_MEMORY": "32G",
            "PYACLMDL_RUN_MODE": "device", "PYACLMDL_CANN_VERSION": "8.3.0.rc1",
        ]
        let profile = HostProfile(environment(variables))
        #expect(profile.deviceCount == 8)
        #expect(profile.socName == "Ascend910B3")
        #expect(profile.deviceMemory == 32 << 30)
        #expect(profile.runMode == .device)
        #expect(profile.cannVersion == "8.3.0.rc1")
        let wrong = HostProfile(environment(["PYACLMDL_DEVICE_COUNT": "-1", "PYACLMDL_DEVICE_MEMORY": "lots"]))
        #expect(wrong.deviceCount == 1)
        #expect(wrong.deviceMemory == HostProfile(environment([:])).deviceMemory)
    }

    @Test(
        arguments: [
            ("8.5.0", 80_500_000), ("8.5.1", 80_501_000), ("8.3.0.rc1", 80_299_901), ("9.0.0.alpha2", 89_999_702),
            ("8.5.0-beta.3", 80_499_803), ("8.5.x", nil),
        ] as [(String, Int32?)])
    func versionsHaveNumbers(text: String, expected: Int32?) throws {
        #expect(try #require(PackageVersion(text)).number == expected)
    }

    @Test func versionsHaveFourParts() throws {
        #expect(try #require(PackageVersion("8.5")).parts == ["8", "5", "0", "0"])
        #expect(try #require(PackageVersion("8.5.0-rc.1")).parts == ["8", "5", "0", "rc1"])
        #expect(PackageVersion("8") == nil)
    }

    @Test func chipsBelongToFamilies() {
        #expect(chipFamily("Ascend310P3") == "Ascend310P")
        #expect(chipFamily("Ascend910B4") == "Ascend910B")
        #expect(chipFamily("Ascend310") == "Ascend310")
    }

    @Test func valuesAreShownAsJSON() {
        let text = #"{"a": [1, true, null], "b": "x"}"#
        #expect(JSONValue(Array(text.utf8))?.description == text)
    }
}
