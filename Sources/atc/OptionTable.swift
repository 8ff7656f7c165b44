// SPDX-License-Identifier: Apache-2.0

/// One option of the command line.
struct OptionSpec: Sendable {
    enum Kind: Sendable {
        case text
        /// Digits only.
        case integer
        /// 1 t true y yes or 0 f false n no, in any case; no value means true.
        case boolean
        /// Such as `text`, but only these.
        case oneOf([String])
    }

    /// What a value of the option does here.
    enum Support: Sendable {
        /// It is honoured, or it has nothing to change on a CPU.
        case accepted
        /// Only these values are; others ask for something that is not supported.
        case only([String], reason: String)
    }

    let name: String
    let kind: Kind
    let support: Support
    let help: String

    init(_ name: String, _ kind: Kind = .text, _ support: Support = .accepted, _ help: String) {
        self.name = name
        self.kind = kind
        self.support = support
        self.help = help
    }

    static let all: [OptionSpec] = model + shapes + precision + outputs + modes + tuning

    static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    private static let model: [OptionSpec] = [
        OptionSpec("model", .text, "The model file."),
        OptionSpec(
            "framework", .oneOf(["0", "1", "3", "5"]), .only(["5"], reason: "Only ONNX models (5) are read."),
            "5: ONNX."),
        OptionSpec("output", .text, "The offline model to write, without the suffix .om."),
        OptionSpec("weight", .text, "Ignored: ONNX models hold their weights."),
        OptionSpec("soc_version", .text, "Written into the model; any name."),
        OptionSpec(
            "mode", .oneOf(["0", "1", "3", "5", "6", "7", "30"]),
            .only(["0", "6"], reason: "Only 0 (convert) and 6 (display information) are available."),
            "0: convert a model; 6: display information on an offline model."),
        OptionSpec(
            "log", .oneOf(["debug", "info", "warning", "error", "null"]),
            "With info and debug the steps are reported on standard error."),
        OptionSpec(
            "insert_op_conf", .text, "A file with the image preprocessing (AIPP) to put in front of inputs."),
        OptionSpec("op_name_map", .text, "Ignored."),
    ]

    private static let shapes: [OptionSpec] = [
        OptionSpec("input_shape", .text, "Shapes of the inputs: \"name:1,3,224,224;other:1,8\"."),
        OptionSpec("input_format", .text, "NCHW, NCDHW or ND."),
        OptionSpec("dynamic_batch_size", .text, "Gears for a first dimension of -1: \"1,2,4\"."),
        OptionSpec("dynamic_image_size", .text, "Gears for a height and width of -1: \"320,320;640,640\"."),
        OptionSpec("dynamic_dims", .text, "Gears for all dimensions of -1 in their order: \"1,3;2,5\"."),
        OptionSpec(
            "input_shape_range", .text,
            "Deprecated: the sizes that executions may choose, such as \"x:[1~8,3,-1,-1]\"."),
        OptionSpec("input_hint_shape", .text, "Ignored."),
    ]

    private static let precision: [OptionSpec] = [
        OptionSpec(
            "precision_mode",
            .oneOf([
                "force_fp16", "force_fp32", "cube_fp16in_fp32out", "allow_mix_precision", "allow_fp32_to_fp16",
                "must_keep_origin_dtype", "allow_mix_precision_fp16", "allow_mix_precision_bf16", "allow_fp32_to_bf16",
            ]), "Every mode keeps the model's own types."),
        OptionSpec(
            "precision_mode_v2",
            .oneOf([
                "fp16", "origin", "cube_fp16in_fp32out", "mixed_float16", "mixed_bfloat16", "cube_hif8", "mixed_hif8",
            ]), "Every mode keeps the model's own types."),
        OptionSpec(
            "op_select_implmode",
            .oneOf(["high_precision", "high_performance", "high_precision_for_all", "high_performance_for_all"]),
            "Ignored."),
        OptionSpec("optypelist_for_implmode", .text, "Ignored."),
        OptionSpec("op_precision_mode", .text, "Ignored."), OptionSpec("modify_mixlist", .text, "Ignored."),
        OptionSpec("keep_dtype", .text, "Ignored."), OptionSpec("customize_dtypes", .text, "Ignored."),
        OptionSpec("allow_hf32", .text, "Ignored."),
    ]

    private static let outputs: [OptionSpec] = [
        OptionSpec("out_nodes", .text, "Outputs: \"node:0;other:1\", or names of ONNX tensors: \"a;b\"."),
        OptionSpec("output_type", .text, "FP32, FP16, UINT8 or INT8 for all outputs, or \"node:0:FP16;other:1:FP32\"."),
        OptionSpec("input_fp16_nodes", .text, "Inputs that are passed as float16: \"a;b\"."),
        OptionSpec(
            "is_input_adjust_hw_layout", .text,
            .only(["", "false"], reason: "Blocked layouts of inputs are not supported yet."), "false."),
        OptionSpec(
            "is_output_adjust_hw_layout", .text,
            .only(["", "false"], reason: "Blocked layouts of outputs are not supported yet."), "false."),
        OptionSpec(
            "external_weight", .oneOf(["0", "1", "2"]),
            "1: large weights in files of their own, in the folder weight beside the model; 2: in one file there."),
        OptionSpec("display_model_info", .oneOf(["0", "1"]), "1: display information on the model that was written."),
        OptionSpec("enable_attr_compression", .text, "Ignored: names are written out."),
    ]

    private static let modes: [OptionSpec] = [
        OptionSpec("om", .text, "The offline model that mode 6 describes."),
        OptionSpec("json", .text, "Ignored."),
        OptionSpec("dump_mode", .oneOf(["0", "1"]), "Ignored."),
        OptionSpec("check_report", .text, "Ignored."),
        OptionSpec(
            "singleop", .text, .only([""], reason: "Single operators are not supported yet."),
            "Not supported yet."),
        OptionSpec("help", .boolean, "Show this help."),
    ]

    /// What tunes the compiler of an NPU and changes nothing here.
    private static let tuning: [OptionSpec] = [
        OptionSpec("enable_small_channel", .oneOf(["0", "1"]), "Ignored."),
        OptionSpec("enable_single_stream", .text, "Ignored."), OptionSpec("fusion_switch_file", .text, "Ignored."),
        OptionSpec("disable_reuse_memory", .oneOf(["0", "1"]), "Ignored."),
        OptionSpec("buffer_optimize", .oneOf(["l1_optimize", "l2_optimize", "off_optimize"]), "Ignored."),
        OptionSpec("core_type", .oneOf(["AiCore", "VectorCore"]), "Ignored."),
        OptionSpec("aicore_num", .text, "Ignored."), OptionSpec("virtual_type", .oneOf(["0", "1"]), "Ignored."),
        OptionSpec("jit_compile", .text, "Ignored."), OptionSpec("deterministic", .oneOf(["0", "1"]), "Ignored."),
        OptionSpec("sparsity", .oneOf(["0", "1"]), "Ignored."),
        OptionSpec("status_check", .oneOf(["0", "1"]), "Ignored."),
        OptionSpec("atomic_clean_policy", .oneOf(["0", "1"]), "Ignored."),
        OptionSpec("op_debug_level", .oneOf(["0", "1", "2", "3", "4"]), "Ignored."),
        OptionSpec("op_compiler_cache_mode", .oneOf(["enable", "disable", "force"]), "Ignored."),
        OptionSpec("op_compiler_cache_dir", .text, "Ignored."), OptionSpec("debug_dir", .text, "Ignored."),
        OptionSpec("host_env_os", .text, "Ignored."), OptionSpec("host_env_cpu", .text, "Ignored."),
        OptionSpec("is_weight_clip", .text, "Ignored."), OptionSpec("oo_level", .text, "Ignored."),
        OptionSpec("compression_optimize_conf", .text, "Ignored."),
    ]
}

extension OptionSpec {
    fileprivate init(_ name: String, _ kind: Kind, _ help: String) { self.init(name, kind, .accepted, help) }

    /// The text of `--help`.
    static var usage: String {
        let width = (all.map(\.name.count).max() ?? 0) + 6
        return
            (["usage: atc --model=net.onnx --framework=5 --output=net [--input_shape=\"x:1,3,224,224\"] [...]", ""]
            + all.map { option in
                let name = "  --\(option.name)"
                return name + String(repeating: " ", count: width - name.count) + option.help
            }).joined(separator: "\n")
    }
}
