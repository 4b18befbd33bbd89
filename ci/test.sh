#!/usr/bin/env bash
# README's test command, then the tests of the pool once more with every thread on one core.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --locked
# What only exists with a feature.
cargo test --locked --all-features --test coordinated_shutdown --test streams
cargo test --locked --all-features --doc streams
if command -v taskset >/dev/null; then
    # Two and eight workers on one core: whoever spins for ever, or counts on a second core, hangs.
    taskset --cpu-list 0 cargo test --locked --test pool --test ask --test references --test futures
    # Cycles of waits across threads that never look for work in peace.
    taskset --cpu-list 0 cargo test --locked --test deadlock pool_of_threads
fi
cargo test --locked --package nexus-actors-derive
