// SPDX-License-Identifier: Apache-2.0

internal import CProcessor
internal import Settings
internal import VectorBaseline
package import VectorFunctions

#if arch(x86_64)
internal import VectorAVX2
internal import VectorAVX512
#endif

/// A set of instructions that kernels are compiled for.
package enum CPULevel: String, CaseIterable, Sendable {
    #if arch(x86_64)
    case baseline, avx2, avx512
    #else
    case baseline
    #endif

    /// The one that kernels are made for: the highest, or a lower one that is asked for.
    package static let current: CPULevel = {
        // What cannot be read is complained about elsewhere, once for all settings.
        let environment = Environment(variable: Settings.variableOfProcess, complain: { _ in })
        guard let wanted = Settings.cpuLevel.value(in: environment).flatMap({ CPULevel(rawValue: $0) }) else {
            return best
        }
        return allCases.prefix { $0 != best }.contains(wanted) ? wanted : best
    }()

    /// The highest that this machine has.
    package static let best: CPULevel = {
        #if arch(x86_64)
        switch processor_x86_64_level() {
        case 4...: .avx512
        case 3: .avx2
        default: .baseline
        }
        #else
        .baseline
        #endif
    }()

    /// Whether a register holds as many numbers as a panel.
    var hasWholePanels: Bool {
        #if arch(x86_64)
        self == .avx512
        #else
        false
        #endif
    }

    package var functions: VectorFunctions {
        switch self {
        case .baseline: VectorBaseline.vectorFunctions
        #if arch(x86_64)
        case .avx2: VectorAVX2.vectorFunctions
        case .avx512: VectorAVX512.vectorFunctions
        #endif
        }
    }
}
