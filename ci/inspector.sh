#!/usr/bin/env bash
# The inspector: its service, and its page in a browser, with running pools. Installs Chromium and its driver
# with apt-get if they are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian's packages are chromium and chromium-driver. Where a chromedriver is found with another browser, as in
# the images of CI services, that pair serves as well.
if ! command -v chromedriver >/dev/null; then
    as_root apt-get update
    as_root apt-get install --yes --no-install-recommends chromium chromium-driver
fi

cargo test --locked --package nexus-actors-inspector --lib
cargo test --locked --package nexus-actors-inspector --doc
cargo build --locked --package nexus-actors-inspector --examples
timeout 900 cargo test --locked --package nexus-actors-inspector --test browser
