#!/usr/bin/env bash
# How pools end if nothing can unwind: a program that is built with `panic = "abort"`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ended=$(timeout 600 cargo run --package nexus-abort-tests --profile abort --locked | tee >(cat >&2) | grep -c ' has ended$')
if ((ended != 3)); then
    echo "not all of it was run" >&2
    exit 1
fi
