#!/usr/bin/env bash
# Runs every bench once, quickly: that they work, not what they measure.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench --locked --package nexus-benches --bench messages -- --test
cargo bench --locked --package nexus-benches --bench inbox -- --test
cargo bench --locked --package nexus-benches --bench footprint -- --test
cargo bench --locked --package nexus-benches --bench simulation -- --test
cargo bench --locked --package nexus-growth --bench growth -- --test
# This one checks what it has counted in every process. In the dev profile, which builds in a fraction of
# the time.
cargo run --locked --package nexus-cold -- --quick
