#!/usr/bin/env bash
# Optional, and not part of the gate: runs the tests under AddressSanitizer, and the unit tests under
# valgrind's memcheck, if they are installed. If something is missing, says so and exits with 0.
#
# - Sanitizers are unstable options of the compiler. Without a nightly compiler, `RUSTC_BOOTSTRAP=1`
#   makes the present one accept them. The variable is meant for building Rust itself: it makes the
#   options no more stable, and it applies to every dependency, some of which look for a nightly
#   compiler and then build other code. Stable compilers come with the same sanitizers, so it is good
#   enough for a check of memory. These builds are of no other use, and have a target folder of their
#   own.
# - corosensei's feature `sanitizer` tells AddressSanitizer of every switch between fibers. It cannot
#   be enabled for all builds, because it does not link without the sanitizer's runtime.
# - The sanitizer leaves signals to their owners; otherwise the tests of stack overflows would not end
#   as they must. For a backtrace of another fault, add `:handle_segv=1` to the options.
# - A process that a test starts is checked too: it inherits the options.
# - Memory that returns to one of the runtime's own pools (a mailbox's block, a batch or a stack) is
#   not freed by that, so that a late use of it is not found. Nor are errors of std in functions that
#   were compiled with it, such as writing a number.
# - ThreadSanitizer is not run: it needs an instrumented std (`-Zbuild-std`) and does not know fibers.
#   The unit tests that need no fibers, such as those of `src/queue`, run on one thread. The protocols
#   between threads are checked by `cargo loom`.
set -euo pipefail
cd "$(dirname "$0")/.."
target=x86_64-unknown-linux-gnu

with=(env RUSTC_BOOTSTRAP=1)
if command -v rustup >/dev/null && rustup run nightly rustc --version >/dev/null 2>&1; then
    with=(rustup run nightly)
fi
libraries=$("${with[@]}" rustc --print sysroot)/lib/rustlib/$target/lib
if [ "$("${with[@]}" rustc --print host-tuple)" != "$target" ]; then
    echo "AddressSanitizer is set up here for $target only"
elif ! compgen -G "$libraries/librustc-*_rt.asan.a" >/dev/null; then
    echo "this compiler comes without AddressSanitizer: rustup toolchain install nightly"
else
    # These leak by design.
    leaking=(
        # The payload of a panic whose destructor panics, and the payload of that second panic.
        s4_9_a_destructor_that_panics_goes_no_further
        s4_9_a_panic_with_a_payload_that_panics_harms_nobody
        # A worker that is stuck in a handler when the process ends.
        s4_4_a_worker_that_never_returns_is_reported
        # The test forgets a message, which holds its pool.
        s7_2_a_message_whose_destructor_does_everything_is_buried_well
        # Waiting handlers cannot be ended while their thread unwinds, nor in a handler of another
        # system: their worker's memory is never freed.
        s4_4_a_system_dropped_in_the_handler_of_another_harms_nobody
        s4_9_a_started_system_in_an_unwinding_thread_harms_nobody
        s4_9_a_system_dropped_while_its_thread_panics_does_not_abort
        s9_2_driving_while_the_thread_panics_does_nothing_and_ends_nothing
        s9_2_options_that_cannot_be_are_refused
    )
    # These measure stacks, or use one until it overflows: their variables must lie on the stack itself.
    stacks=s4_10_

    asan=(--locked --target "$target" --target-dir "${CARGO_TARGET_DIR:-target}/asan" --package nexus-actors
        --features corosensei/sanitizer,async,signals --lib --tests)

    # The test programs. Each module of a program runs in a process of its own: the sanitizer keeps
    # its records of a fiber's stack as long as the process lives, and a whole program would take
    # tens of gigabytes.
    mapfile -t programs < <(RUSTFLAGS="-Zsanitizer=address" "${with[@]}" cargo test "${asan[@]}" --no-run \
        --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
    if ((${#programs[@]} == 0)); then
        echo "no test program was built" >&2
        exit 1
    fi

    # under_asan OPTIONS FILTERS...: runs the tests of each program whose names match, except those
    # that follow `--skip`.
    under_asan() {
        local program module modules
        for program in "${programs[@]}"; do
            mapfile -t modules < <("$program" --list | sed -n 's/^\([^:]*\)::.*: test$/\1::/p' | sort -u)
            if ((${#modules[@]} == 0)); then modules=(""); fi
            for module in "${modules[@]}"; do
                echo "$(basename "$program") $module"
                ASAN_OPTIONS="handle_segv=0:handle_sigbus=0:$1" run_some "$program" "$module" "${@:2}"
            done
        done
    }

    # run_some PROGRAM MODULE FILTERS...: runs the tests of a module whose names match one of the
    # filters, or all of them if there is no filter.
    run_some() {
        local program=$1 module=$2 tests
        shift 2
        local names=() options=()
        while (($#)); do
            if [ "$1" = --skip ]; then
                options+=("$1" "$2")
                shift
            else
                names+=("$1")
            fi
            shift
        done
        if ((${#names[@]} == 0)); then
            "$program" --quiet "${options[@]}" ${module:+"$module"}
            return
        fi
        mapfile -t tests < <("$program" --list | sed -n 's/: test$//p' | grep "^$module" |
            grep -E "$(IFS='|'; echo "${names[*]}")" || true)
        if ((${#tests[@]})); then
            "$program" --quiet --exact "${tests[@]}"
        fi
    }
    skipped=(--skip "$stacks")
    for test in "${leaking[@]}"; do skipped+=(--skip "$test"); done
    echo "AddressSanitizer, with leaks, and with variables that are kept past the end of their function"
    under_asan detect_leaks=1:detect_stack_use_after_return=1 "${skipped[@]}"
    echo "AddressSanitizer, with leaks, the tests of stacks"
    under_asan detect_leaks=1:detect_stack_use_after_return=0 "$stacks"
    echo "AddressSanitizer, without leaks, the tests that leak by design"
    under_asan detect_leaks=0:detect_stack_use_after_return=1 "${leaking[@]}"
fi
if ! command -v valgrind >/dev/null; then
    echo "no valgrind: apt-get install valgrind"
else
    # Fibers' stacks lie side by side: valgrind takes any move of the stack pointer by more than this for
    # a switch of stacks. The model that tries every run of a protocol, in safe code, takes too long here.
    echo "valgrind, the unit tests"
    program=$(cargo test --locked --package nexus-actors --lib --no-run --message-format=json 2>/dev/null |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1)
    PROPTEST_CASES=8 valgrind --quiet --max-stackframe=60000 --error-exitcode=1 \
        "$program" --test-threads=1 --skip control::model
fi
