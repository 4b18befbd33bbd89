#!/usr/bin/env bash
# The gdb commands of tools/gdb, on a program whose handlers wait: while it runs, and in its core, if the
# kernel writes cores to files here. Installs gdb if there is none.
#
# In a target folder of its own, as these commands want full debug information.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ "$(uname -m)" != x86_64 ]; then
    echo "the commands of tools/gdb are for x86-64 only"
    exit 0
fi
if ! command -v gdb >/dev/null; then
    as_root=()
    if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
    "${as_root[@]}" apt-get update
    "${as_root[@]}" apt-get install --yes --no-install-recommends gdb
fi

export CARGO_PROFILE_DEV_DEBUG=2
target=${CARGO_TARGET_DIR:-target}/gdb
cargo build --locked --package nexus-gdb-tests --target-dir "$target"
program=$(realpath "$target/debug/nexus-gdb-tests")

timeout 120 gdb -nx -batch -x gdb-tests/check.py "$program"
timeout 120 gdb -nx -batch -x gdb-tests/check.py --args "$program" many

pattern=$(cat /proc/sys/kernel/core_pattern)
case $pattern in
    core | core.%p)
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        (cd "$work" && ulimit -c unlimited && timeout 120 "$program" abort) || true
        timeout 120 gdb -nx -batch -x gdb-tests/check.py "$program" "$work"/core*
        ;;
    *) echo "cores go to '$pattern' here: none was checked" ;;
esac
