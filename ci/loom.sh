#!/usr/bin/env bash
# Runs the model checks, and fails if none ran: without `--cfg nexus_loom` every model is compiled
# away, and an empty run passes.
set -euo pipefail
cd "$(dirname "$0")/.."

# If set in the environment, these would replace the flags that `cargo loom` sets, and with them the cfg.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo loom 2>&1 | tee "$log"

ran=$(grep -cE '^test .*\.\.\. ' "$log" || true)
explored=$(grep -c ' interleavings in ' "$log" || true)
echo "model checks: $ran tests, of which $explored explored a model to its end"
if ((ran == 0 || explored == 0)); then
    echo "no model was checked" >&2
    exit 1
fi
