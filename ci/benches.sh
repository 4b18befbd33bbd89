#!/usr/bin/env bash
# Runs every bench once, quickly, to check that it works, not what it measures.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench --locked --package nexus-benches --bench messages -- --test
cargo bench --locked --package nexus-benches --bench inbox -- --test
cargo bench --locked --package nexus-benches --bench footprint -- --test
cargo bench --locked --package nexus-benches --bench simulation -- --test
cargo bench --locked --package nexus-growth --bench growth -- --test
# These two check their counts. They run in the dev profile, which builds in a fraction of the time.
cargo test --locked --package nexus-observation --bench observation -- --test
cargo run --locked --package nexus-cold -- --quick
