// SPDX-License-Identifier: Apache-2.0

internal import CLanes
import VectorFunctions

/// Adds the products of `depth` neighbouring elements at each row's address with the weights of one panel, or of two.
///
/// The sums are in the registers meanwhile; `sums` holds them as [rows][2][16] in between.
/// - isFirst: whether they begin at 0.
/// - ahead: how far from the weights in use those lie that will be wanted soon, in elements.
@inline(never)
func addProducts<let rows: Int, let panels: Int>(
    _ addresses: InlineArray<rows, Input>, _ weights: Input, panelStride: Int, depth: Int, ahead: Int,
    to sums: Output, isFirst: Bool, _: InlineArray<panels, Int>
) {
    var weights = weights
    // Loops that the compiler unrolls: numbers that are looked up in any other way would have addresses all the time.
    var first = InlineArray<rows, Lanes>(repeating: .zero)
    var second = InlineArray<rows, Lanes>(repeating: .zero)
    if !isFirst {
        for row in 0..<rows {
            first[row] = load(Input(sums) + row * 2 * laneCount)
            if panels == 2 { second[row] = load(Input(sums) + (row * 2 + 1) * laneCount) }
        }
    }
    var index = 0
    while index < depth {
        let weight = load(weights)
        let other = panels == 2 ? load(weights + panelStride) : .zero
        for row in 0..<rows {
            let element = all(addresses[row][index])
            first[row] = multiplyAdd(element, weight, first[row])
            if panels == 2 { second[row] = multiplyAdd(element, other, second[row]) }
        }
        prefetch_second_cache(weights + ahead)
        weights += laneCount
        index += 1
    }
    for row in 0..<rows {
        store(first[row], sums + row * 2 * laneCount)
        if panels == 2 { store(second[row], sums + (row * 2 + 1) * laneCount) }
    }
}
