// SPDX-License-Identifier: Apache-2.0

import Operators
import Testing

/// Every operator has a test against an independent reference. Each suite names the types that it tests.
@Suite struct CoverageTests {
    static let families: [Set<String>] = [
        ElementwiseUnaryTests.types, ElementwiseBinaryTests.types, ActivationTests.types, ComparisonTests.types,
        CastTests.types, ReductionTests.types, CumulativeTests.types, ArgMaxTests.types, TopKTests.types,
        SoftmaxTests.types, NormalizationTests.types, MatMulTests.types, ConvolutionTests.types, PoolingTests.types,
        ResizeTests.types, RecurrentTests.types, AippTests.types, RoundToShortTests.types,
        RefusedBranchTests.types, movementTypes,
    ]

    @Test func everyOperatorIsTested() {
        let tested = Self.families.reduce(into: Set<String>()) { $0.formUnion($1) }
        let untested = Set(Catalogue.types).subtracting(tested).sorted()
        #expect(untested.isEmpty, "operators without a test: \(untested)")
        let unknown = tested.subtracting(Catalogue.types).sorted()
        #expect(unknown.isEmpty, "tested types that are no operators: \(unknown)")
    }
}
