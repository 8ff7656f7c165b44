// SPDX-License-Identifier: Apache-2.0

package import GEGraph

/// What a builder has collected: steps over buffers, not yet bound to addresses.
package struct Program {
    /// A range of memory that steps read and write.
    package struct Buffer {
        package enum Kind: Equatable {
            case activation
            /// The caller's buffer for this input or output of the model.
            case input(Int)
            case output(Int)
            /// An entry of `constants`, in the weight area.
            case constant(Int)
        }
        package var kind: Kind
        package var bytes: Int
    }

    package struct Step {
        /// The node it came from and its type, for messages.
        package var name: String
        package var type: String
        package var kernel: any NativeKernel
        /// Buffers, in the kernel's order.
        package var inputs: [Int]
        package var outputs: [Int]
        /// Whether the kernel says how many entries its result has; its outputs are as large as they can become.
        package var countsResult = false
    }

    /// A constant as a kernel wants it in the weight area.
    package struct PackedConstant {
        package enum Form: Equatable {
            case plain
            /// How the constant's own elements lie, and how they are to be stored.
            case copy(from: Layout, to: Layout)
            case weights(WeightForm)
        }
        package var constant: Constant
        package var form: Form
        package var bytes: Int
        /// The type that kernels read; float32 for some constants of 16-bit floats.
        package var dataType: DataType

        package var isWidened: Bool { dataType == .float && constant.desc.dataType.bitWidth == 16 }
    }

    /// Whether a step may lose NaN; it shows when it does.
    package var mayLoseNaN: Bool { steps.contains { $0.kernel.alarms != 0 } }

    package var buffers: [Buffer] = []
    package var steps: [Step] = []
    package var constants: [PackedConstant] = []
}
