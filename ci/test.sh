#!/usr/bin/env bash
# README's test command, the tests that it leaves out, and the tests of the pool once more with
# every thread on one core.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --locked
# Tests that need large crates: together, so that the library is built once for all of them.
cargo test --locked --package nexus-actors-cli --package nexus-actors-metrics \
    --package nexus-actors-opentelemetry --package nexus-http --package nexus-scope-tests
cargo test --locked --package nexus-compile-tests

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# some PROGRAM ARGUMENTS... [-- FILTERS...]: runs part of a test program, and fails if there are no
# such tests.
some() {
    "${before[@]}" cargo test --locked --package nexus-actors --test "$@" | tee "$log"
    if grep -q '^running 0 tests$' "$log"; then
        echo "there are no such tests: $*" >&2
        exit 1
    fi
}

# Tests that exist only with a feature.
before=()
some coordinated_shutdown --all-features
some streams --all-features
some drivers --all-features streams_and_sinks
cargo test --locked --package nexus-actors --all-features --doc streams
if command -v taskset >/dev/null; then
    before=(taskset --cpu-list 0)
    # Two and eight workers on one core: code that spins for ever, or that relies on a second core, hangs.
    some drivers pool::
    some asks -- ask:: futures::
    some actors references::
    # Cycles of waits across threads that preempt each other while they look for work.
    some asks pool_of_threads
fi
cargo test --locked --package nexus-actors-derive
