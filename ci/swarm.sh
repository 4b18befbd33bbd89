#!/usr/bin/env bash
# Runs the swarm, which looks for bugs: in simulation, on threads, and for planted mistakes, to show
# that it can find some. Fails if nothing ran, because an empty run passes too.
set -euo pipefail
cd "$(dirname "$0")/.."

# If set in the environment, these would replace the flags that `cargo swarm` sets, and with them the cfg.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS

log=$(mktemp)
trap 'rm -f "$log"' EXIT

cargo test --package nexus-swarm --locked
cargo swarm --seeds 20000 | tee -a "$log"
cargo swarm --parallel --seeds 300 | tee -a "$log"
cargo swarm mutants | tee -a "$log"

runs=$(grep -cE '^[0-9]{3,} seeds, 0 wrong, [0-9]{4,} deliveries' "$log" || true)
found=$(grep -cE '^[A-Za-z]+ +seed +[0-9]+ of ' "$log" || true)
echo "swarm: $runs runs without a violation, $found planted mistakes found"
if ((runs != 2 || found == 0)); then
    echo "the swarm did not run" >&2
    exit 1
fi
