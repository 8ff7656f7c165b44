// SPDX-License-Identifier: Apache-2.0

import OfflineModel

/// What the section `dump` of a configuration file asks for.
struct DumpSettings: Equatable, Sendable {
    /// The folder for the files, as the configuration names it.
    var path: String
    var mode = Mode.output
    var content = Content.tensor
    /// The executions of each model that are dumped, counted from 0; nil for all.
    var steps: [ClosedRange<Int>]?
    var models: [ModelFilter]

    enum Mode: String, CaseIterable, Sendable { case input, output, all }

    enum Content: Equatable, Sendable {
        case tensor
        /// With the chosen columns; none stands for the usual ones.
        case statistics([DumpStatistics.Item])
    }

    /// An entry of `dump_list`.
    struct ModelFilter: Equatable, Sendable {
        /// Nil for every model.
        var modelName: String?
        /// Operators of the model or of the network that it was converted from; nil for all.
        var layers: [String]?
        var ranges: [NameRange] = []
        var typeBlacklist: [Exclusion] = []
        var nameBlacklist: [Exclusion] = []
    }

    struct NameRange: Equatable, Sendable {
        var begin: String
        var end: String
    }

    /// Inputs and outputs (`input0`, `output1`) that are left out.
    struct Exclusion: Equatable, Sendable {
        var name: String
        var positions: [String]
    }

    /// Every operator's output of every model, for programs that take dumps with a callback and set nothing.
    static let everything = DumpSettings(path: ".", models: [ModelFilter()])

    func includes(step: Int) -> Bool { steps?.contains { $0.contains(step) } ?? true }

    /// The entries for a model, and the name under which its files are kept: an entry for the file's name counts more
    /// than one for the name in the model; entries without a name hold for every model.
    /// - fileName: the model file's name without its suffix; nil for a model in memory.
    func filters(modelName: String, fileName: String?) -> (name: String, filters: [ModelFilter])? {
        let general = models.filter { $0.modelName == nil }
        if let fileName {
            let named = models.filter { $0.modelName == fileName }
            if !named.isEmpty { return (fileName, named + general) }
        }
        let matching = models.filter { $0.modelName == modelName } + general
        return matching.isEmpty ? nil : (modelName, matching)
    }
}
