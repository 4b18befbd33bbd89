#!/usr/bin/env bash
# Is every file formatted as rustfmt would?
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
