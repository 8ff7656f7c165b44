// SPDX-License-Identifier: Apache-2.0

import CFuzzer
import Glibc

/// What is fuzzed; libFuzzer takes the arguments.
let target: any Target = {
    let targets: [String: any Target.Type] = [
        "model": ModelTarget.self, "onnx": ONNXTarget.self, "aipp": AippTarget.self, "json": JSONTarget.self,
        "jpeg": JPEGTarget.self,
    ]
    let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let type = targets[name] else {
        fatalError("FUZZ_TARGET is '\(name)', expected one of \(targets.keys.sorted().joined(separator: ", "))")
    }
    return type.init()
}()

/// Reads one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: size))
    Bounds.check(size: size) { target.read(bytes) }
    return 0
}

/// Changes one input, so that what encloses the change stays readable.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ limit: Int, _ seed: CUnsignedInt) -> Int {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: size))
    var random = Random(seed: UInt64(seed))
    let changed = target.mutated(bytes, limit: limit, &random).prefix(limit)
    // Safe: libFuzzer gives room for `limit` bytes.
    for (index, byte) in changed.enumerated() { unsafe data[index] = byte }
    return changed.count
}

var argumentCount = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv
exit(unsafe LLVMFuzzerRunDriver(&argumentCount, &arguments) { unsafe testOneInput($0, $1) })
