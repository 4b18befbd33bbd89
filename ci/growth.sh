#!/usr/bin/env bash
# How costs grow: counts the instructions of each case at one size and at four times that size, and
# fails if the growth is out of proportion. Counts are the same on every machine. Installs valgrind,
# which does the counting, if it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v valgrind >/dev/null; then
    as_root=()
    if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
    "${as_root[@]}" apt-get update
    "${as_root[@]}" apt-get install --yes --no-install-recommends valgrind
fi
cargo bench --locked --package nexus-growth --bench growth
