// SPDX-License-Identifier: Apache-2.0

internal import VectorFunctions

/// Which of two kernels computes what both can: the vector kernels or oneDNN's. The measurements are in
/// docs/decisions/0017.
enum KernelChoice {
    /// - outputs, channels: per group. - pixels: of all images of the result.
    static func vectorConvolution(outputs: Int, channels: Int, pixels: Int, groups: Int) -> Bool {
        guard groups == 1 else { return false }
        switch CPULevel.current {
        case .baseline: return true
        #if arch(x86_64)
        // Panels that are not full compute numbers that nobody wants.
        case .avx2:
            let panel = ConvolutionLoop.panel
            return outputs % panel == 0 && channels >= panel && pixels <= 1024
        case .avx512: return false
        #endif
        }
    }

    /// A product with a constant matrix.
    static let vectorProduct = CPULevel.current == .baseline
}
