// SPDX-License-Identifier: Apache-2.0

import VectorFunctions

func pool(_ loop: PoolingLoop, _ source: Input, _ result: Output, _ parts: Range<Int>) {
    for part in parts {
        let image = part / loop.outHeight
        let y = (part - image * loop.outHeight) * loop.strideY - loop.padTop
        let start = source + image * loop.height * loop.width * loop.channels
        let rows = taps(from: y, loop.dilationY, loop.windowHeight, loop.height, loop.padBottom)
        for column in 0..<loop.outWidth {
            let x = column * loop.strideX - loop.padLeft
            let columns = taps(from: x, loop.dilationX, loop.windowWidth, loop.width, loop.padRight)
            let address = start + (y * loop.width + x) * loop.channels
            let target = result + (part * loop.outWidth + column) * loop.channels
            if loop.isMaximum {
                fold(loop, address, target, rows.inImage, columns.inImage, from: all(-.infinity), { maximum($0, $1) }) {
                    $0
                }
            } else {
                let count =
                    loop.excludesPadding
                    ? rows.inImage.count * columns.inImage.count : rows.padded * columns.padded
                let divisor = all(Float(count))
                fold(loop, address, target, rows.inImage, columns.inImage, from: .zero, { $0 + $1 }) { $0 / divisor }
            }
        }
    }
}

/// The taps of a window that lie in the image, and how many lie in the padded image.
@inline(__always)
private func taps(
    from start: Int, _ step: Int, _ length: Int, _ size: Int, _ padEnd: Int
) -> (inImage: Range<Int>, padded: Int) {
    let padded = min(length, max(0, (size + padEnd - start + step - 1) / step))
    return (taps(from: start, step, length, size), padded)
}

/// The taps of a window that lie in the image.
@inline(__always)
func taps(from start: Int, _ step: Int, _ length: Int, _ size: Int) -> Range<Int> {
    let first = start < 0 ? (step - 1 - start) / step : 0
    let end = min(length, max(0, (size - start + step - 1) / step))
    return min(first, end)..<end
}

@inline(__always)
private func fold(
    _ loop: PoolingLoop, _ address: Input, _ target: Output, _ rows: Range<Int>, _ columns: Range<Int>,
    from initial: Lanes, _ add: (Lanes, Lanes) -> Lanes, _ finish: (Lanes) -> Lanes
) {
    var channel = 0
    while channel + laneCount <= loop.channels {
        var state = initial
        for row in rows {
            let line = address + row * loop.dilationY * loop.width * loop.channels + channel
            for column in columns { state = add(state, load(line + column * loop.dilationX * loop.channels)) }
        }
        store(finish(state), target + channel)
        channel += laneCount
    }
    guard channel < loop.channels else { return }
    let rest = loop.channels - channel
    var state = initial
    for row in rows {
        let line = address + row * loop.dilationY * loop.width * loop.channels + channel
        for column in columns {
            state = add(state, load(line + column * loop.dilationX * loop.channels, first: rest))
        }
    }
    store(finish(state), target + channel, first: rest)
}
