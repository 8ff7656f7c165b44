#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Generates the Swift sources of the .proto files, beside them. The generator is the one of the swift-protobuf release
# that Package.swift pins; protoc comes from PyPI's grpcio-tools.
#
# usage: scripts/generate-protos.sh [scratch folder, default .build]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=${1:-$root/.build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$root"
swift build --scratch-path "$scratch" --product protoc-gen-swift
plugin=$(swift build --scratch-path "$scratch" --show-bin-path)/protoc-gen-swift

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check grpcio-tools==1.85.1

for folder in Sources/OfflineModel/Protos Sources/ONNXImport/Protos; do
    "$work/venv/bin/python" -m grpc_tools.protoc --proto_path="$folder" --plugin="protoc-gen-swift=$plugin" \
        --swift_opt=Visibility=Internal --swift_opt=UseAccessLevelOnImports=true --swift_opt=FileNaming=DropPath \
        --swift_out="$folder" "$folder"/*.proto
    # The generator does not mark this use, which strict memory safety asks for: the shared default is never written,
    # a message copies its storage before it changes it.
    sed -i 's/= _StorageClass.defaultInstance$/= unsafe _StorageClass.defaultInstance/' "$folder"/*.pb.swift
done
