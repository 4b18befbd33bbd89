#!/usr/bin/env bash
# Not part of the gate: measures README's two commands as a reader runs them, in a fresh clone with
# nothing built. Crates are downloaded beforehand, because that time depends on the connection and
# not on this repository.
#
# Reports how long each command takes to its first result and to its end, and the machine's load at
# its begin: other work makes the figures worse.
#
#     ci/first-minutes.sh [REVISION]
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet "$repository" "$work/nexus"
cd "$work/nexus"
git checkout --quiet --detach "${1:-HEAD}"
# Settings that a reader does not have.
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_INCREMENTAL
unset "${!CARGO_PROFILE_@}"
cargo fetch --locked --quiet

# since START: prints the seconds since then.
since() {
    local now
    now=$(date +%s%N)
    awk "BEGIN { printf \"%.1f\", ($now - $1) / 1e9 }"
}

# measure FIRST COMMAND...: FIRST is a pattern that matches the first line of results.
measure() {
    local first=$1 line start seen= status=0
    shift
    echo "\$ $*  ($(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg))"
    rm -rf target
    start=$(date +%s%N)
    "$@" >"$work/out" 2>"$work/err" &
    local program=$!
    while kill -0 "$program" 2>/dev/null; do
        if [ -z "$seen" ] && grep -Eq "$first" "$work/out"; then
            seen=$(since "$start")
        fi
        sleep 0.1
    done
    wait "$program" || status=$?
    local took
    took=$(since "$start")
    if [ "$status" -ne 0 ]; then
        tail -n 40 "$work/out" "$work/err" >&2
        echo "exit code $status" >&2
        return 1
    fi
    line=$(grep -E '^ *Finished' "$work/err" | tail -1)
    echo "  cargo:        ${line#"${line%%[! ]*}"}"
    echo "  first result: ${seen:-$took} s"
    echo "  end:          $took s"
}

measure '^Flights' cargo run --release --example pool
measure '^test .* \.\.\. ok' cargo test
tests=$(awk '/^test result: ok/ { sum += $4 } END { print sum }' "$work/out")
echo "  tests:        $tests passed"
