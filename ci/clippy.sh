#!/usr/bin/env bash
# Lints every target, with warnings denied, and once more as the model checker sees the crate.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo clippy --workspace --all-targets --locked -- --deny warnings
cargo clippy --all-targets --all-features --locked -- --deny warnings
RUSTFLAGS="--cfg nexus_loom" cargo clippy --package nexus-loom-tests --all-targets --locked \
    --target-dir target/loom -- --deny warnings
