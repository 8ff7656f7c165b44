// SPDX-License-Identifier: Apache-2.0

/// What a program leaves alive when it gives up a device, or everything: said on standard error in debug mode.
enum LeakReport {
    /// Objects of one kind.
    struct Line {
        let what: String
        /// The function that ends such an object.
        let ending: String
        var count: Int
        /// Bytes of all of them, for memory.
        var bytes: Int?
        /// The first of them, or the largest.
        var examples: [String]

        /// Lines stay short, however much is left.
        static let exampleLimit = 4

        var text: String {
            let total = bytes.map { " of \($0) bytes" } ?? ""
            let rest = count > examples.count ? " and \(count - examples.count) more" : ""
            return "  \(what), ended by \(ending): \(count)\(total): \(examples.joined(separator: ", "))\(rest)"
        }
    }

    /// A context is about to end: its streams go, and what its device holds if nothing else keeps the device.
    static func sayAtEnd(of context: Context, _ function: String) {
        guard Log.isDebug else { return }
        let device = context.device
        var lines: [Line?] = []
        if !device.isKept(besides: context) {
            lines += memory { $0.kind.isDevice && $0.device == device.id } + [models { $0.device === device }]
        }
        lines.append(streams { $0.context === context })
        say(lines, "\(function) (device \(device.id))")
    }

    static func sayAtFinalize() {
        guard Log.isDebug else { return }
        var lines = memory { _ in true } + [registeredMemory(), models { _ in true }, bundles(), streams { _ in true }]
        let owned = ownedHandles()
        lines += [contexts()]
        lines += tables.map { table, ending in
            handles(table.handles.filter { !owned.contains($0) }, table.kind.name, ending)
        }
        say(lines + [streamConfigurations(), devices()], "aclFinalize")
    }

    private static func say(_ lines: [Line?], _ place: String) {
        let found = lines.compactMap { $0?.text }
        if !found.isEmpty { Notice.say(["Left alive at \(place):"] + found) }
    }

    // MARK: Memory and models

    private static func memory(_ isMeant: (MemoryBlock) -> Bool) -> [Line?] {
        // Freed with the model or the buffer that it belongs to.
        let owned = LibraryMemory.addresses.union(SharedBuffer.table.objects.map(\.memory.address))
        let blocks = MemoryRegistry.shared.liveBlocks.filter { isMeant($0) && !owned.contains($0.base) }
        let kinds: [(MemoryKind, String)] = [
            (.device, "aclrtFree"), (.dvpp, "acldvppFree"), (.host, "aclrtFreeHost"), (.managed, "aclrtFree"),
        ]
        return kinds.map { kind, ending in
            memory(blocks.filter { $0.kind == kind }.map { ($0.base, $0.requestedBytes) }, kind.name, ending)
        }
    }

    private static func registeredMemory() -> Line? {
        memory(
            MemoryRegistry.shared.registeredMemory.map { ($0.base, $0.bytes) }, "registered host memory",
            "aclrtHostUnregister")
    }

    private static func memory(_ ranges: [(base: UInt, bytes: Int)], _ what: String, _ ending: String) -> Line? {
        let largest = ranges.sorted { ($1.bytes, $0.base) < ($0.bytes, $1.base) }
        var line = line(largest, what, ending) { "\($0.bytes) at \(hexadecimal($0.base))" }
        line?.bytes = ranges.reduce(0) { $0 + $1.bytes }
        return line
    }

    private static func models(_ isMeant: (LoadedModel) -> Bool) -> Line? {
        let members = Set(Bundles.all.flatMap { $0.modelIDs.compactMap { $0 } })
        let models = ModelEngine.models.all.filter { isMeant($0) && !members.contains($0.id) }
        return line(models.sorted { $0.id < $1.id }, "model", "aclmdlUnload") {
            "\($0.id) '\($0.ready.facts.modelName.prefix(40))'"
        }
    }

    private static func bundles() -> Line? {
        line(Bundles.all.map(\.id).sorted(), "bundle", "aclmdlBundleUnload") { "\($0)" }
    }

    // MARK: Objects behind handles

    private static func streams(_ isMeant: (Stream) -> Bool) -> Line? {
        handles(
            Stream.table.objects.filter { !$0.isDefault && isMeant($0) }.map(\.handle), HandleKind.stream.name,
            "aclrtDestroyStream")
    }

    private static func contexts() -> Line? {
        handles(
            Context.table.objects.filter { !$0.isPrimary }.compactMap(\.handle), HandleKind.context.name,
            "aclrtDestroyContext")
    }

    private static func streamConfigurations() -> Line? {
        line(
            StreamConfigurations.live.withLock { $0.sorted() }, HandleKind.streamConfig.name,
            "aclrtDestroyStreamConfigHandle", hexadecimal)
    }

    /// What goes with the object that it is part of.
    private static func ownedHandles() -> Set<Handle> {
        let lists = [OperatorObjects.tensorLists, OperatorObjects.scalarLists, ImageObjects.batches]
        return Set(Dataset.table.objects.flatMap(\.descriptionHandles) + lists.flatMap { $0.values.joined() })
    }

    private static func devices() -> Line? {
        line(Device.all.filter(\.isActive), "device", "aclrtResetDevice") { "\($0.id)" }
    }

    /// What is neither a stream nor a context.
    static let tables: [(table: any LiveObjects, ending: String)] = [
        (Event.table, "aclrtDestroyEvent"), (Notify.table, "aclrtDestroyNotify"),
        (Dataset.table, "aclmdlDestroyDataset"), (DataBuffer.table, "aclDestroyDataBuffer"),
        (DescriptionObject.table, "aclmdlDestroyDesc"), (TensorDescriptionObject.table, "aclDestroyTensorDesc"),
        (AippObject.table, "aclmdlDestroyAIPP"), (LoadConfiguration.table, "aclmdlDestroyConfigHandle"),
        (ExecuteConfiguration.table, "aclmdlDestroyExecConfigHandle"),
        (BundleQuery.table, "aclmdlBundleDestroyQueryInfo"), (MemoryPool.table, "aclrtMemPoolDestroy"),
        (PhysicalMemory.table, "aclrtFreePhysical"), (SharedBuffer.table, "aclrtFreeBuf"),
        (CustomAllocator.Description.table, "aclrtAllocatorDestroyDesc"), (Binary.table, "aclrtDestroyBinary"),
        (ImageObjects.channels, "acldvppDestroyChannelDesc"), (ImageObjects.pictures, "acldvppDestroyPicDesc"),
        (ImageObjects.batches, "acldvppDestroyBatchPicDesc"), (ImageObjects.videos, "acldvppDestroyStreamDesc"),
        (ImageObjects.areas, "acldvppDestroyRoiConfig"), (ImageObjects.resizes, "acldvppDestroyResizeConfig"),
        (ImageObjects.encoders, "acldvppDestroyJpegeConfig"), (ImageObjects.borders, "acldvppDestroyBorderConfig"),
        (OperatorObjects.tensors, "aclDestroyTensor"), (OperatorObjects.scalars, "aclDestroyScalar"),
        (OperatorObjects.integers, "aclDestroyIntArray"), (OperatorObjects.floats, "aclDestroyFloatArray"),
        (OperatorObjects.booleans, "aclDestroyBoolArray"), (OperatorObjects.tensorLists, "aclDestroyTensorList"),
        (OperatorObjects.scalarLists, "aclDestroyScalarList"), (OperatorObjects.attributes, "aclopDestroyAttr"),
    ]

    private static func handles(_ handles: [Handle], _ what: String, _ ending: String) -> Line? {
        line(handles, what, ending) { hexadecimal($0.bits) }
    }

    private static func line<Item>(
        _ items: [Item], _ what: String, _ ending: String, _ show: (Item) -> String
    ) -> Line? {
        guard !items.isEmpty else { return nil }
        return Line(
            what: what, ending: ending, count: items.count, examples: items.prefix(Line.exampleLimit).map(show))
    }
}
