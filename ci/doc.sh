#!/usr/bin/env bash
# Builds the documentation, including private items, with broken links and other warnings denied.
set -euo pipefail
cd "$(dirname "$0")/.."
RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --locked \
    --features nexus-actors/async,nexus-actors/derive,nexus-actors/signals,nexus-actors/tokio,nexus-actors/tracing
RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --locked --document-private-items \
    --target-dir target/private-doc
