// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Model files written by Huawei's own tools. They are not part of the repository; tests that need them are skipped
/// where the folder beside it is missing.
enum Samples {
    private static let folder: String = {
        let root = String(#filePath.dropLast("Tests/OfflineModelTests/Samples.swift".count))
        return root + "../shared/om/"
    }()

    static let names = [
        "ge_dynamic_and_static.om", "ge_flow_model.om", "ge_llm_model_buff.om", "ge_root_model.om", "hiai_batchnorm.om",
        "hiai_resnet20_weight_quant8.om", "hiai_tf_conv_opversion_3.om", "hiai_tf_softmax_v100.om",
        "hilens_landmark68.om", "modelzoo_a3c_pong_v1.om",
    ]

    static let arePresent = names.allSatisfy { unsafe access(folder + $0, R_OK) == 0 }

    static func bytes(_ name: String) throws -> [UInt8] {
        guard let file = unsafe fopen(folder + name, "rb") else { throw Missing(name: name) }
        defer { unsafe fclose(file) }
        unsafe fseek(file, 0, SEEK_END)
        let size = unsafe ftell(file)
        unsafe rewind(file)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = unsafe fread(buffer.baseAddress, 1, size, file)
        }
        guard bytes.count == size else { throw Missing(name: name) }
        return bytes
    }

    struct Missing: Error { var name: String }
}
