#!/usr/bin/env bash
# The documentation, private items too, with broken links and other warnings denied.
set -euo pipefail
cd "$(dirname "$0")/.."
RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --all-features --locked
RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --locked --package nexus-actors-derive
RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --locked --document-private-items \
    --target-dir target/private-doc
