// swift-tools-version: 6.2
// Programs that feed damaged files to the library: `make fuzz`. Apart from the product, so that its package stays as it is.
import PackageDescription

let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "PyAclMdl", path: "..")],
    targets: [
        // libFuzzer's own functions, and a meter of allocations.
        .target(name: "CFuzzer"),
        .executableTarget(
            name: "fuzz", dependencies: ["CFuzzer", .product(name: "Parts", package: "PyAclMdl")],
            swiftSettings: [.strictMemorySafety()]),
    ]
)
