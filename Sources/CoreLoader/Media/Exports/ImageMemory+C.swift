// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

@c @implementation
public func acldvppMalloc(_ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int) -> aclError {
    guard let result = PointerOutput(devPtr) else { return failNull("devPtr") }
    return status { () throws(Failure) in
        result.write(address: try DeviceAllocation.allocate(UInt(bitPattern: size), kind: .dvpp, rounding: .padded))
    }
}

@c @implementation
public func acldvppMallocWithCfg(
    _ devPtr: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: Int, _ policy: aclrtMemMallocPolicy,
    _ cfg: UnsafeMutablePointer<aclrtMallocConfig>?
) -> aclError {
    guard let result = PointerOutput(devPtr) else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try unsafe checkAttributes(of: cfg, size: size)
        let address = try DeviceAllocation.allocate(
            UInt(bitPattern: size), kind: .dvpp, rounding: .padded,
            prefersHugePages: DeviceAllocation.prefersHugePages(policy: policy.rawValue))
        result.write(address: address)
    }
}

// As on the original, where both kinds of memory go back to the same driver.
@c @implementation
public func acldvppFree(_ devPtr: UnsafeMutableRawPointer?) -> aclError {
    let block = address(of: devPtr)
    guard block != 0 else { return failNull("devPtr") }
    return status { () throws(Failure) in
        try MemoryRegistry.shared.free(block, kinds: [.dvpp, .device], argument: "devPtr")
    }
}
