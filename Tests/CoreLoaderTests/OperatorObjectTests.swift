// SPDX-License-Identifier: Apache-2.0

import CAscendCL
import Testing

@testable import CoreLoader

/// What C callers put into the objects of single operators is what the library holds.
@Suite struct OperatorObjectTests {
    @Test func arraysAndScalarsHoldCopies() throws {
        var integers: [Int64] = [1, -2, .max]
        let array = unsafe aclCreateIntArray(integers, 3)
        integers[1] = 7
        #expect(try OperatorObjects.integers.value(array, "array") == [1, -2, .max])
        #expect(unsafe aclDestroyIntArray(array) == 0)

        let flags: [UInt8] = [0, 1, 2, 255]
        let booleans = unsafe flags.withUnsafeBytes { bytes in
            unsafe aclCreateBoolArray(bytes.baseAddress?.assumingMemoryBound(to: Bool.self), 4)
        }
        #expect(try OperatorObjects.booleans.value(booleans, "array") == [false, true, true, true])
        #expect(unsafe aclDestroyBoolArray(booleans) == 0)

        var number: Double = 2.5
        let scalar = unsafe aclCreateScalar(&number, ACL_DOUBLE)
        let held = try OperatorObjects.scalars.value(scalar, "scalar")
        #expect(held.dataType == ACL_DOUBLE.rawValue)
        let bytes = unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
        #expect(held.bytes == bytes)
        #expect(unsafe aclDestroyScalar(scalar) == 0)
    }

    @Test func laterAttributesReplaceEarlierOnes() throws {
        let attributes = unsafe aclopCreateAttr()
        let rows: [Int64] = [3, 4]
        #expect(unsafe aclopSetAttrInt(attributes, "axis", 1) == 0)
        #expect(unsafe aclopSetAttrString(attributes, "axis", "last") == 0)
        #expect(unsafe aclopSetAttrBool(attributes, "keep", 3) == 0)
        #expect(unsafe aclopSetAttrListInt(attributes, "pads", 2, rows) == 0)
        unsafe rows.withUnsafeBufferPointer { row in
            let lists: [UnsafePointer<Int64>?] = unsafe [row.baseAddress, nil]
            #expect(unsafe aclopSetAttrListListInt(attributes, "table", 2, [2, 0], lists) == 0)
        }
        #expect(unsafe aclopSetAttrListInt(attributes, "pads", -1, rows) == 100_000)
        let held = try OperatorObjects.attributes.value(attributes, "attr")
        #expect(
            held == [
                "axis": .string("last"), "keep": .bool(true), "pads": .ints([3, 4]), "table": .intLists([[3, 4], []]),
            ])
        unsafe aclopDestroyAttr(attributes)
    }

    @Test func stridesFollowFromTheShape() throws {
        let tensor = try OperatorTensor(
            viewShape: [2, 0, 3], strides: nil, offset: 0, dataType: 0, format: 2, storageShape: [6], data: 0)
        #expect(tensor.strides == [3, 3, 1])
        #expect(throws: Failure.self) {
            try OperatorTensor(
                viewShape: [3], strides: [.max], offset: 0, dataType: 0, format: 2, storageShape: [3], data: 0)
        }
    }
}
