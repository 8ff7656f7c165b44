// swift-tools-version: 6.2
// PyAclMdl: AscendCL and pyACL without the NPU.
//
// Read from top to bottom this is the way of the data:
//   bytes → container → graph → prepared kernels → memory plan → executable → runtime objects → C ABI
// and at the end the way back, ONNX → graph → container → bytes (atc).
import PackageDescription

let versionScript = "\(Context.packageDirectory)/Sources/CoreLoader/ascendcl.map"

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .strictMemorySafety(),
    // The conversions that SaturatingArithmetic forbids.
    .treatWarning("DeprecatedDeclaration", as: .error),
]
/// The levels of instructions that `Sources/Vector` is compiled for, and the compiler's options.
///
/// Optimised in debug builds, too, where it would be a hundred times slower; it is unsafe as a whole, so nothing in it is marked.
#if arch(x86_64)
let levels = [
    ("Baseline", []), ("AVX2", ["-march=x86-64-v3"]),
    ("AVX512", ["-march=x86-64-v4", "-mprefer-vector-width=512"]),
]
#else
let levels: [(name: String, options: [String])] = [("Baseline", [])]
#endif
let levelTargets = levels.map { name, options in
    Target.target(
        name: "Vector\(name)", dependencies: ["CLanes", "VectorFunctions"], path: "Sources/VectorLevels/\(name)",
        swiftSettings: [
            .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            // The loops over a tile's rows are unrolled wholly, since its sums can stay in registers only then.
            .unsafeFlags(["-Ounchecked", "-Xllvm", "-unroll-threshold=600"] + options.flatMap { ["-Xcc", $0] }),
        ] + (name == "Baseline" ? [] : [.define("FMA")]) + (name == "AVX512" ? [.define("AVX512")] : []))
}

/// What goes through `CMemoryReserve` in release builds.
let allocationFunctions = [
    "malloc", "calloc", "realloc", "free", "posix_memalign", "aligned_alloc", "malloc_usable_size", "strdup", "_Znwm",
    "_ZnwmSt11align_val_t", "_ZdlPv", "_ZdlPvm", "_ZdlPvmSt11align_val_t", "fopen", "__getdelim",
]
/// Lets the linker put `__wrap_NAME` in the place of each function.
func wrapping(_ names: [String]) -> LinkerSetting {
    .unsafeFlags(names.flatMap { ["-Xlinker", "--wrap=\($0)"] }, .when(configuration: .release))
}
let wraps = "MEMORY_RESERVE_WRAPS"
/// Sources/CSwiftThreads/swift_runtime.c stands in for this function of the Swift runtime, where that is linked statically.
let onceSlow = "_ZN5swift14threading_impl9once_slowERNS0_6once_tEPFvPvES3_"

let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
    name: "PyAclMdl",
    products: [
        .library(name: "ascendcl", type: .dynamic, targets: ["CoreLoader"]),
        .executable(name: "atc", targets: ["atc"]),
        // For Fuzz/, which links everything into one program.
        .library(name: "Parts", targets: ["CoreLoader", "ONNXImport"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0")
    ],
    targets: [
        // Files from outside: opened, read and written without trust in what is there.
        .target(name: "Files", swiftSettings: settings),
        // The environment variables, in one table.
        .target(name: "Settings", dependencies: ["Files"], swiftSettings: settings),

        // The ABI: AscendCL's headers, C11- and C++-clean.
        .target(name: "CAscendCL"),
        // The threads that share a kernel's work.
        .target(name: "CThreadTeam"),
        // Memory where the system has none, so that a call can fail in an orderly way.
        .target(
            name: "CMemoryReserve",
            // What stands in front of every request calls the system's functions without a detour.
            cSettings: [.define(wraps, .when(configuration: .release)), .unsafeFlags(["-fno-plt"])],
            cxxSettings: [.define(wraps, .when(configuration: .release)), .unsafeFlags(["-fno-plt"])],
            linkerSettings: [wrapping(allocationFunctions)]),
        .target(name: "SystemMemory", dependencies: ["CMemoryReserve"], swiftSettings: settings),
        // Arithmetic that cannot trap, for everything that computes with numbers from files.
        .target(name: "SaturatingArithmetic", swiftSettings: settings),
        // The one intermediate representation: a graph of GE operators.
        .target(
            name: "GEGraph", dependencies: ["SaturatingArithmetic"], path: "Sources/Graph", swiftSettings: settings),
        // bytes ⇄ container ⇄ graph.
        .target(
            name: "OfflineModel", dependencies: ["GEGraph", "SystemMemory", "SaturatingArithmetic", protobuf],
            exclude: ["Protos/dump_data.proto", "Protos/ge_ir.proto", "Protos/task.proto"], swiftSettings: settings),

        // Which instructions the processor has.
        .target(name: "CProcessor"),
        // Operations on vectors that Swift lacks.
        .target(name: "CLanes"),
        // The interface to what is compiled once for each level of instructions: `Sources/Vector`.
        .target(name: "VectorFunctions", swiftSettings: settings),
        // What runs: the kernels, and programs of them.
        .target(
            name: "Kernels",
            dependencies: ["CLanes", "CProcessor", "CThreadTeam", "GEGraph", "Settings", "VectorFunctions"]
                + levelTargets.map { .target(name: $0.name) },
            swiftSettings: settings),
        // The catalogue of operators: shape inference and lowering to kernels.
        .target(
            name: "Operators", dependencies: ["GEGraph", "Kernels", "SaturatingArithmetic"], swiftSettings: settings),
        // Lifetimes → offsets, a pure function, and its verifier.
        .target(name: "Plan", dependencies: ["SaturatingArithmetic"], swiftSettings: settings),
        // Graph → passes → kernels → plan → bound steps.
        .target(
            name: "Executable",
            dependencies: ["GEGraph", "Kernels", "Operators", "Plan", "SystemMemory", "SaturatingArithmetic"],
            swiftSettings: settings),

        // Keeps the products usable with glibc 2.34.
        .target(name: "COldGlibc"),
        // Forks of a process whose threads run Swift.
        .target(name: "CSwiftThreads", linkerSettings: [.unsafeFlags(["-Xlinker", "--wrap=\(onceSlow)"])]),
        // Turns faults in a program's memory into errors.
        .target(name: "CMemoryGuard"),
        // Devices, contexts, streams, memory, the model table, and the exported C functions.
        .target(
            name: "CoreLoader",
            dependencies: [
                "CAscendCL", "CMemoryGuard", "COldGlibc", "CSwiftThreads", "Files", "Settings", "GEGraph",
                "OfflineModel",
                "Executable", "SystemMemory", "SaturatingArithmetic",
            ],
            exclude: ["ascendcl.map"],
            swiftSettings: settings,
            linkerSettings: [
                // Never unloaded: it has threads, and other libraries call it (CMemoryReserve).
                .unsafeFlags(["-Xlinker", "-soname=libascendcl.so", "-Xlinker", "-z", "-Xlinker", "nodelete"]),
                // The tests link these flags, too: there the script would hide what the sanitizers replace.
                .unsafeFlags(["-Xlinker", "--version-script=\(versionScript)"], .when(configuration: .release)),
            ]),

        // The way back: ONNX → GE operators → .om.
        .target(
            name: "ONNXImport",
            dependencies: ["GEGraph", "Operators", "Executable", "SaturatingArithmetic", protobuf],
            exclude: ["Protos/insert_op.proto", "Protos/onnx.proto"],
            swiftSettings: settings),
        .executableTarget(
            name: "atc",
            dependencies: [
                "COldGlibc", "Files", "Settings", "GEGraph", "OfflineModel", "ONNXImport", "SystemMemory",
                "SaturatingArithmetic",
            ],
            swiftSettings: settings),

        // One test folder per module.
        .testTarget(
            name: "SaturatingArithmeticTests", dependencies: ["SaturatingArithmetic"], swiftSettings: settings),
        .testTarget(name: "FilesTests", dependencies: ["Files"], swiftSettings: settings),
        .testTarget(name: "SettingsTests", dependencies: ["Settings"], swiftSettings: settings),
        .testTarget(name: "ThreadTeamTests", dependencies: ["CThreadTeam"], swiftSettings: settings),
        .testTarget(
            name: "OfflineModelTests", dependencies: ["GEGraph", "OfflineModel", protobuf], swiftSettings: settings),
        .testTarget(
            name: "ExecutableTests", dependencies: ["GEGraph", "Kernels", "Plan", "Executable"],
            swiftSettings: settings),
        .testTarget(
            name: "OperatorsTests", dependencies: ["GEGraph", "Operators", "Executable"],
            swiftSettings: settings),
        .testTarget(
            name: "ONNXImportTests", dependencies: ["GEGraph", "ONNXImport", "Executable", protobuf],
            swiftSettings: settings),
        .testTarget(
            name: "CoreLoaderTests",
            dependencies: ["CAscendCL", "CoreLoader", "Settings", "GEGraph", "OfflineModel", "Executable"],
            swiftSettings: settings),
        .testTarget(name: "PlanTests", dependencies: ["Plan"], swiftSettings: settings),
    ] + levelTargets
)
