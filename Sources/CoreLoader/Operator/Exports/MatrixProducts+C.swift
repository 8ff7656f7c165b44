// SPDX-License-Identifier: Apache-2.0

public import CAscendCL

// Products of matrices outside a model: the pointers are checked, the work is refused.

@c @implementation
public func aclblasGemvEx(
    _ transA: aclTransType, _ m: Int32, _ n: Int32, _ alpha: UnsafeRawPointer?, _ a: UnsafeRawPointer?, _ lda: Int32,
    _ dataTypeA: aclDataType, _ x: UnsafeRawPointer?, _ incx: Int32, _ dataTypeX: aclDataType,
    _ beta: UnsafeRawPointer?, _ y: UnsafeMutableRawPointer?, _ incy: Int32, _ dataTypeY: aclDataType,
    _ type: aclComputeType, _ stream: aclrtStream?
) -> aclError {
    refuse(
        .singleOperators,
        .pointer("alpha", address(of: alpha)), .pointer("a", address(of: a)), .pointer("x", address(of: x)),
        .pointer("beta", address(of: beta)), .pointer("y", address(of: y)))
}

@c @implementation
public func aclblasCreateHandleForGemvEx(
    _ transA: aclTransType, _ m: Int32, _ n: Int32, _ dataTypeA: aclDataType, _ dataTypeX: aclDataType,
    _ dataTypeY: aclDataType, _ type: aclComputeType, _ handle: UnsafeMutablePointer<OpaquePointer?>?
) -> aclError {
    refuse(.singleOperators, .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclblasHgemv(
    _ transA: aclTransType, _ m: Int32, _ n: Int32, _ alpha: UnsafePointer<aclFloat16>?,
    _ a: UnsafePointer<aclFloat16>?, _ lda: Int32, _ x: UnsafePointer<aclFloat16>?, _ incx: Int32,
    _ beta: UnsafePointer<aclFloat16>?, _ y: UnsafeMutablePointer<aclFloat16>?, _ incy: Int32, _ type: aclComputeType,
    _ stream: aclrtStream?
) -> aclError {
    unsafe refuse(
        .singleOperators,
        .pointer("alpha", address(of: alpha)), .pointer("a", address(of: a)), .pointer("x", address(of: x)),
        .pointer("beta", address(of: beta)), .pointer("y", address(of: y)))
}

@c @implementation
public func aclblasCreateHandleForHgemv(
    _ transA: aclTransType, _ m: Int32, _ n: Int32, _ type: aclComputeType,
    _ handle: UnsafeMutablePointer<OpaquePointer?>?
) -> aclError {
    refuse(.singleOperators, .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclblasS8gemv(
    _ transA: aclTransType, _ m: Int32, _ n: Int32, _ alpha: UnsafePointer<Int32>?, _ a: UnsafePointer<Int8>?,
    _ lda: Int32, _ x: UnsafePointer<Int8>?, _ incx: Int32, _ beta: UnsafePointer<Int32>?,
    _ y: UnsafeMutablePointer<Int32>?, _ incy: Int32, _ type: aclComputeType, _ stream: aclrtStream?
) -> aclError {
    unsafe refuse(
        .singleOperators,
        .pointer("alpha", address(of: alpha)), .pointer("a", address(of: a)), .pointer("x", address(of: x)),
        .pointer("beta", address(of: beta)), .pointer("y", address(of: y)))
}

@c @implementation
public func aclblasCreateHandleForS8gemv(
    _ transA: aclTransType, _ m: Int32, _ n: Int32, _ type: aclComputeType,
    _ handle: UnsafeMutablePointer<OpaquePointer?>?
) -> aclError {
    refuse(.singleOperators, .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclblasGemmEx(
    _ transA: aclTransType, _ transB: aclTransType, _ transC: aclTransType, _ m: Int32, _ n: Int32, _ k: Int32,
    _ alpha: UnsafeRawPointer?, _ matrixA: UnsafeRawPointer?, _ lda: Int32, _ dataTypeA: aclDataType,
    _ matrixB: UnsafeRawPointer?, _ ldb: Int32, _ dataTypeB: aclDataType, _ beta: UnsafeRawPointer?,
    _ matrixC: UnsafeMutableRawPointer?, _ ldc: Int32, _ dataTypeC: aclDataType, _ type: aclComputeType,
    _ stream: aclrtStream?
) -> aclError {
    refuse(
        .singleOperators,
        .pointer("alpha", address(of: alpha)), .pointer("matrixA", address(of: matrixA)),
        .pointer("matrixB", address(of: matrixB)), .pointer("beta", address(of: beta)),
        .pointer("matrixC", address(of: matrixC)))
}

@c @implementation
public func aclblasCreateHandleForGemmEx(
    _ transA: aclTransType, _ transB: aclTransType, _ transC: aclTransType, _ m: Int32, _ n: Int32, _ k: Int32,
    _ dataTypeA: aclDataType, _ dataTypeB: aclDataType, _ dataTypeC: aclDataType, _ type: aclComputeType,
    _ handle: UnsafeMutablePointer<OpaquePointer?>?
) -> aclError {
    refuse(.singleOperators, .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclblasHgemm(
    _ transA: aclTransType, _ transB: aclTransType, _ transC: aclTransType, _ m: Int32, _ n: Int32, _ k: Int32,
    _ alpha: UnsafePointer<aclFloat16>?, _ matrixA: UnsafePointer<aclFloat16>?, _ lda: Int32,
    _ matrixB: UnsafePointer<aclFloat16>?, _ ldb: Int32, _ beta: UnsafePointer<aclFloat16>?,
    _ matrixC: UnsafeMutablePointer<aclFloat16>?, _ ldc: Int32, _ type: aclComputeType, _ stream: aclrtStream?
) -> aclError {
    unsafe refuse(
        .singleOperators,
        .pointer("alpha", address(of: alpha)), .pointer("matrixA", address(of: matrixA)),
        .pointer("matrixB", address(of: matrixB)), .pointer("beta", address(of: beta)),
        .pointer("matrixC", address(of: matrixC)))
}

@c @implementation
public func aclblasCreateHandleForHgemm(
    _ transA: aclTransType, _ transB: aclTransType, _ transC: aclTransType, _ m: Int32, _ n: Int32, _ k: Int32,
    _ type: aclComputeType, _ handle: UnsafeMutablePointer<OpaquePointer?>?
) -> aclError {
    refuse(.singleOperators, .pointer("handle", address(of: handle)))
}

@c @implementation
public func aclblasS8gemm(
    _ transA: aclTransType, _ transB: aclTransType, _ transC: aclTransType, _ m: Int32, _ n: Int32, _ k: Int32,
    _ alpha: UnsafePointer<Int32>?, _ matrixA: UnsafePointer<Int8>?, _ lda: Int32, _ matrixB: UnsafePointer<Int8>?,
    _ ldb: Int32, _ beta: UnsafePointer<Int32>?, _ matrixC: UnsafeMutablePointer<Int32>?, _ ldc: Int32,
    _ type: aclComputeType, _ stream: aclrtStream?
) -> aclError {
    unsafe refuse(
        .singleOperators,
        .pointer("alpha", address(of: alpha)), .pointer("matrixA", address(of: matrixA)),
        .pointer("matrixB", address(of: matrixB)), .pointer("beta", address(of: beta)),
        .pointer("matrixC", address(of: matrixC)))
}

@c @implementation
public func aclblasCreateHandleForS8gemm(
    _ transA: aclTransType, _ transB: aclTransType, _ transC: aclTransType, _ m: Int32, _ n: Int32, _ k: Int32,
    _ type: aclComputeType, _ handle: UnsafeMutablePointer<OpaquePointer?>?
) -> aclError {
    refuse(.singleOperators, .pointer("handle", address(of: handle)))
}
