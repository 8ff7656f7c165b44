// SPDX-License-Identifier: Apache-2.0

/// A loaded model's share in weight memory; given back by `giveBack`, at the latest when the share goes away.
final class WeightShare: @unchecked Sendable {
    let range: AddressRange
    // Used only in the turn of the model's workspace, and by the one who drops the last reference.
    private var owner: Owner
    private var check = MemoryCheck()

    private enum Owner {
        case nobody
        case caller(WeightArea, CallerAreas)
        case library(LibraryMemory)
    }

    /// For a model without weights.
    init() {
        range = .none
        owner = .nobody
    }

    init(_ area: WeightArea, in areas: CallerAreas) {
        range = area.range
        owner = .caller(area, areas)
    }

    init(_ memory: LibraryMemory) {
        range = memory.range
        owner = .library(memory)
    }

    deinit { giveBack() }

    /// Nobody may use the memory through this share any more.
    func giveBack() {
        if case .caller(let area, let areas) = owner { areas.release(area) }
        owner = .nobody
    }

    var address: UInt { range.start }

    /// Whether only the library maps and unmaps it.
    var isOwnMemory: Bool { range.isOwnMemory }

    /// Throws when the memory is known to be freed.
    @inline(__always)
    func checkMemory(_ argument: String) throws(Failure) { try check.verify(range, argument) }
}

/// A loaded model's share in a workspace; given back by `giveBack`, at the latest when the share goes away.
final class WorkspaceShare: @unchecked Sendable {
    let range: AddressRange
    private let workspace: Workspace
    // Used only in the workspace's turn, and by the one who drops the last reference.
    private var areas: CallerAreas?
    private var memory: LibraryMemory?
    private var check = MemoryCheck()

    init(_ workspace: Workspace, in areas: CallerAreas) {
        range = workspace.range
        self.workspace = workspace
        self.areas = areas
        memory = nil
    }

    /// - `memory`: nil for a model that needs no workspace.
    init(_ memory: LibraryMemory?) {
        range = memory?.range ?? .none
        workspace = Workspace(range: range)
        areas = nil
        self.memory = memory
    }

    deinit { giveBack() }

    /// Nobody may use the memory through this share any more.
    func giveBack() {
        areas.take()?.release(workspace)
        memory = nil
    }

    var address: UInt { range.start }

    /// Whether only the library maps and unmaps it.
    var isOwnMemory: Bool { range.isOwnMemory }

    @inline(__always)
    func takingTurns<Result>(_ body: () -> Result) -> Result { workspace.takingTurns(body) }

    @inline(__always)
    func awaitingTurns<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        try workspace.awaitingTurns(body)
    }

    @inline(__always)
    func awaitTurn() throws(Failure) { try workspace.awaitTurn() }

    @inline(__always)
    func endTurn() { workspace.endTurn() }

    @inline(__always)
    func checkMemory(_ argument: String) throws(Failure) { try check.verify(range, argument) }
}

/// Remembers when a range was last known to be good, so that asking again costs one load as long as nothing is freed.
struct MemoryCheck {
    private var goodAt: UInt64?

    @inline(__always)
    mutating func verify(_ range: AddressRange, _ argument: String) throws(Failure) {
        let epoch = MemoryRegistry.shared.epoch
        if goodAt == epoch { return }
        try MemoryRegistry.shared.check(
            range.start, bytes: range.byteCount, argument: argument, code: ErrorCode.rtModelExecute)
        goodAt = epoch
    }
}

extension LibraryMemory {
    fileprivate var range: AddressRange { AddressRange(start: address, byteCount: byteCount) ?? .none }
}

extension AddressRange {
    static let none = AddressRange.empty(at: 0)

    /// Whether nothing is in it but live memory of this library.
    fileprivate var isOwnMemory: Bool {
        byteCount == 0 || MemoryRegistry.shared.verdict(at: start, bytes: byteCount) == .usable
    }
}
