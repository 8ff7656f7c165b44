// SPDX-License-Identifier: Apache-2.0

import Files
import GEGraph
import ONNXImport
import OfflineModel

/// Mode 6: prints what an offline model says of its making and its sizes.
func displayModelInfo(_ path: String) throws(ConversionError) {
    try ModelConversion.checkCharacters(path, of: "--om")
    let bytes = try InputFiles.read(path)
    let file: OfflineModelFile
    do {
        // Safe: the reader is bounds-checked and keeps no pointer.
        file = try unsafe bytes.withUnsafeBytes { try unsafe OfflineModelFile(parsing: $0) }
    } catch {
        throw ConversionError("E10041", "Failed to load the model from \(path).", cause: "\(error)")
    }
    let attributes = file.model.attributes
    guard let sizes = attributes.ints("om_info_list") else {
        throw ConversionError(
            "E19999",
            "Display Model Info failed, attr \"om_info_list\" is not found in om, check the version is matched.")
    }
    guard sizes.count == 5 else { throw ConversionError("E19999", "Display Model Info error, please check!") }
    let definition = file.container.range(of: .modelDef)?.count ?? 0
    func text(_ name: String) -> String { printable(attributes.string(name) ?? "") }
    print(
        """
        ============ Display Model Info start ============
        Original Atc command line: \(text("atc_cmdline"))
        system   info: atc_version[\(text("atc_version"))], \
        soc_version[\(text("soc_version"))], \
        framework_type[\(text("framework_type"))].
        resource info: memory_size[\(attributes.int("memory_size") ?? 0) B], \
        weight_size[\(attributes.int("weight_size") ?? 0) B], \
        stream_num[\(attributes.int("stream_num") ?? 0)], event_num[\(attributes.int("event_num") ?? 0)].
        om       info: modeldef_size[\(definition) B], weight_data_size[\(sizes[0]) B], tbe_kernels_size[\(sizes[1]) B], \
        cust_aicpu_kernel_store_size[\(sizes[2]) B], task_info_size[\(sizes[3]) B], so_store_size[\(sizes[4]) B].
        ============ Display Model Info end   ============
        """)
}
