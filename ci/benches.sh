#!/usr/bin/env bash
# Runs every bench once, quickly: that they work, not what they measure.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench --locked --bench messages -- --test
cargo bench --locked --bench inbox -- --test
cargo bench --locked --bench footprint -- --test
cargo bench --locked --bench simulation -- --test
cargo bench --locked --bench growth -- --test
# This one checks what it has counted in every process. In the dev profile, which builds in a fraction of
# the time.
cargo run --locked --package nexus-cold -- --quick
