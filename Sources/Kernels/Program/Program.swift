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

    /// A buffer seen through a layout; nil is dense row-major of any type, which only native kernels use.
    package struct Operand {
        package var buffer: Int
        package var layout: MemoryDescriptor?
    }

    package struct Step {
        package enum Kind {
            case primitive(PrimitiveDescriptor, [(argument: Int32, operand: Operand)])
            case native(any NativeKernel, inputs: [Int], outputs: [Int])
        }
        /// The node it came from and its type, for messages.
        package var name: String
        package var type: String
        package var kind: Kind
        package var scratchBytes: Int
        package var reads: [Int]
        package var writes: [Int]
        /// Whether the first output may lie in the memory of the first input.
        package var canRunInPlace: Bool
        /// Exceptions of the processor (`TEAM_…`) after which the result may lack NaN or an infinity.
        package var alarms: Int = 0
        /// Whether the kernel says how many entries its result has; its outputs are as large as they can become.
        package var countsResult = false
    }

    /// A constant as a kernel wants it in the weight area.
    package struct PackedConstant {
        package enum Form {
            case plain
            /// How the constant's own bytes are laid out, and how they are to be stored.
            case reorder(from: MemoryDescriptor, to: MemoryDescriptor)
            case weights(WeightForm)

            package var isPlain: Bool { if case .plain = self { true } else { false } }

            /// Bytes that the constant has in the model's file.
            package var originalBytes: Int {
                switch self {
                case .plain: 0
                case .reorder(let from, _): from.byteCount
                case .weights(let form): 4 * form.extent
                }
            }
        }
        package var constant: Constant
        package var form: Form
        package var bytes: Int
        /// The type that kernels read; float32 for some constants of 16-bit floats.
        package var dataType: DataType

        package var isWidened: Bool { dataType == .float && constant.desc.dataType.bitWidth == 16 }
    }

    /// Whether a step may lose NaN; it shows when it does.
    package var mayLoseNaN: Bool { steps.contains { $0.alarms != 0 } }

    package var buffers: [Buffer] = []
    package var steps: [Step] = []
    package var constants: [PackedConstant] = []
}
