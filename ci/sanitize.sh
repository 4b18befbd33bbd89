#!/usr/bin/env bash
# Optional, and no part of the gate: the tests under AddressSanitizer, where a nightly compiler is
# installed; under valgrind's memcheck too, where that is. Says so and exits 0 where one is missing.
#
# - corosensei's feature `sanitizer` tells AddressSanitizer of every switch between fibers. It
#   cannot be turned on for all builds, as it does not link without the sanitizer's runtime.
# - Leaks are told only of tests that mean to leave nothing behind. What is skipped leaks by design:
#   panic payloads whose destructors panic, and workers and messages that a test leaves behind.
# - ThreadSanitizer is not run: it wants an instrumented std (`-Zbuild-std`) and knows no fibers.
#   The protocols between threads are checked by `cargo loom`.
set -euo pipefail
cd "$(dirname "$0")/.."
target=x86_64-unknown-linux-gnu
if ! command -v rustup >/dev/null || ! rustup run nightly rustc --version >/dev/null 2>&1; then
    echo "no nightly compiler, no AddressSanitizer: rustup toolchain install nightly"
elif [ "$(rustup run nightly rustc --print host-tuple)" != "$target" ]; then
    echo "AddressSanitizer is set up here for $target only"
else
    leaking=(
        s4_9_a_destructor_that_panics_goes_no_further
        s4_9_a_panic_with_a_payload_that_panics_harms_nobody
        s4_4_a_worker_that_never_returns_is_reported
        s7_2_a_message_whose_destructor_does_everything_is_buried_well
    )
    skipped=()
    for test in "${leaking[@]}"; do skipped+=(--skip "$test"); done
    under_asan() {
        RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS="detect_stack_use_after_return=0:$1" \
            cargo +nightly test --locked --target "$target" --target-dir "${CARGO_TARGET_DIR:-target}/asan" \
            --features corosensei/sanitizer --lib --tests "${@:2}"
    }
    echo "AddressSanitizer, with leaks"
    under_asan detect_leaks=1 -- "${skipped[@]}"
    echo "AddressSanitizer, without leaks, the tests that leak by design"
    under_asan detect_leaks=0 -- "${leaking[@]}"
fi
if ! command -v valgrind >/dev/null; then
    echo "no valgrind: apt-get install valgrind"
else
    # Fibers' stacks lie side by side: a stack pointer that moves by more than this has changed
    # stacks, for valgrind too.
    echo "valgrind, the unit tests"
    program=$(cargo test --locked --lib --no-run --message-format=json 2>/dev/null |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1)
    PROPTEST_CASES=8 valgrind --quiet --max-stackframe=60000 --error-exitcode=1 \
        "$program" --test-threads=1
fi
