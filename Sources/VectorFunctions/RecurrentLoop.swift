// SPDX-License-Identifier: Apache-2.0

/// The steps of an LSTM or a GRU over sequences of floats.
///
/// Inputs: the input's share of the gates [directions, steps · batch, gates · hidden]; the recurrent weights, packed as
/// [panels][directions][hidden][16] for gates · hidden outputs; those that the places name. Outputs: y [steps, directions,
/// batch, hidden], the last h [directions, batch, hidden], and of the LSTM the last c.
public struct RecurrentLoop: Sendable {
    /// What goes on in the gates i, o, f, c of an LSTM, or z, r, h of a GRU.
    public var isLSTM: Bool
    public var steps, batch, hidden, directions: Int
    public var startsReversed: Bool
    /// Bound of what goes into a function; none unless positive.
    public var clip: Float
    public var inputForget, linearBeforeReset: Bool
    /// Places among the inputs; −1 for those that are absent.
    public var bias = -1
    public var lengths = -1
    public var firstH = -1
    public var firstC = -1
    public var peepholes = -1
    /// Of the first direction and of the second: for the gates, for the candidate, and of the LSTM for c.
    public var functions:
        (
            (ElementFunction, ElementFunction, ElementFunction), (ElementFunction, ElementFunction, ElementFunction)
        )

    /// Sequences that go through the weights together.
    public static let group = 8

    public init(
        isLSTM: Bool, steps: Int, batch: Int, hidden: Int, directions: Int, startsReversed: Bool, clip: Float,
        inputForget: Bool, linearBeforeReset: Bool, functions: [ElementFunction]
    ) {
        self.isLSTM = isLSTM
        self.steps = steps
        self.batch = batch
        self.hidden = hidden
        self.directions = directions
        self.startsReversed = startsReversed
        self.clip = clip
        self.inputForget = inputForget
        self.linearBeforeReset = linearBeforeReset
        let count = isLSTM ? 3 : 2
        func some(_ direction: Int) -> (ElementFunction, ElementFunction, ElementFunction) {
            let first = min(direction, directions - 1) * count
            return (functions[first], functions[first + 1], functions[first + count - 1])
        }
        self.functions = (some(0), some(1))
    }

    public var gates: Int { isLSTM ? 4 : 3 }
    public var width: Int { gates * hidden }
    public var panels: Int { (width + ConvolutionLoop.panel - 1) / ConvolutionLoop.panel }
    /// Floats of a row of gates, filled up to whole panels.
    public var paddedWidth: Int { panels * ConvolutionLoop.panel }
    public var groups: Int { (batch + Self.group - 1) / Self.group }
    public var parts: Int { directions * groups }
    /// Floats of scratch memory for each part: gates, products, and one state for each sequence.
    public var scratchPerPart: Int { Self.group * (2 * paddedWidth + hidden) }
}
