// SPDX-License-Identifier: Apache-2.0

import SaturatingArithmetic

/// The weight areas and workspaces that callers manage and loaded models use.
///
/// An area is here from the load of its first user to the unload of its last one, so that a load can tell whether it
/// may share an area, and refuses one that would destroy what another model needs.
final class CallerAreas: Sendable {
    private let state = Protected(State())

    private struct State {
        var weights: [WeightArea] = []
        var workspaces: [Workspace] = []
    }

    /// Takes a share in the weight area at `range` for a model; `write` fills it if no loaded model uses it yet.
    ///
    /// With users, the area is only read: its content is compared with what was written, so that it may be read-only
    /// by now. Threads that come at the same time wait for the one that writes. Give the share back with `release`.
    func shareWeights(
        at range: AddressRange, model: ContentDigest, write: () throws(Failure) -> Void
    ) throws(Failure) -> WeightArea {
        let area = try state.withLock { state throws(Failure) in
            try Self.claimWeights(at: range, model: model, &state)
        }
        do throws(Failure) {
            try area.fillOrVerify(write)
        } catch {
            release(area)
            throw error
        }
        return area
    }

    private static func claimWeights(
        at range: AddressRange, model: ContentDigest, _ state: inout State
    ) throws(Failure) -> WeightArea {
        for area in state.weights where area.range.overlaps(range) {
            guard area.range == range, area.model == model else {
                throw .userMemory(
                    ErrorCode.geParamInvalid,
                    "The weight memory (\(range)) overlaps \(area.range), where the weights of another loaded model "
                        + "are; loading would destroy them. Unload that model first, or pass another weight_ptr.")
            }
            area.users += 1
            return area
        }
        if let workspace = state.workspaces.first(where: { $0.range.overlaps(range) }) {
            throw .userMemory(
                ErrorCode.geParamInvalid,
                "The weight memory (\(range)) overlaps the workspace of a loaded model (\(workspace.range)), "
                    + "whose executions would overwrite the weights.")
        }
        let area = WeightArea(range: range, model: model)
        state.weights.append(area)
        return area
    }

    /// Takes a share in the workspace at `range`.
    ///
    /// Executions of models with the same or overlapping workspaces take turns. Give the share back with `release`.
    func shareWorkspace(at range: AddressRange) throws(Failure) -> Workspace {
        try state.withLock { state throws(Failure) in
            if let area = state.weights.first(where: { $0.range.overlaps(range) }) {
                throw .userMemory(
                    ErrorCode.geParamInvalid,
                    "The workspace (\(range)) overlaps the weights of a loaded model (\(area.range)); "
                        + "an execution would destroy them.")
            }
            if let same = state.workspaces.first(where: { $0.range == range }) {
                same.users += 1
                return same
            }
            // Later ones take the turns of earlier ones, never the other way round: no deadlock.
            let others = state.workspaces.filter { $0.range.overlaps(range) }
            let workspace = Workspace(range: range, sharingTurnsWith: others)
            state.workspaces.append(workspace)
            return workspace
        }
    }

    func release(_ area: WeightArea) {
        state.withLock { state in
            area.users -= 1
            if area.users == 0 { state.weights.removeAll { $0 === area } }
        }
    }

    func release(_ workspace: Workspace) {
        state.withLock { state in
            workspace.users -= 1
            if workspace.users == 0 { state.workspaces.removeAll { $0 === workspace } }
        }
    }
}
