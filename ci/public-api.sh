#!/usr/bin/env bash
# The public API of the crate, with all features, against its record in public-api.txt: a change of the API is to
# be seen as a change of that file. `ci/public-api.sh --write` makes the record. Needs a nightly toolchain, whose
# rustdoc lists the API; installs cargo-public-api, which reads the list, where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
record=public-api.txt
version=0.52.0
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "a nightly toolchain is missing: rustup toolchain install nightly --profile minimal" >&2
    exit 1
fi
if ! cargo public-api --version >/dev/null 2>&1; then
    echo "cargo-public-api is missing: installing version $version, which takes some minutes" >&2
    cargo install --locked "cargo-public-api@$version"
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
fi
now=$(mktemp)
trap 'rm -f "$now"' EXIT
# Left out: what every type has by a blanket impl, and what follows from its fields.
cargo +nightly public-api --package nexus-actors --all-features -ss >"$now"
if [ "${1:-}" = --write ]; then
    cp "$now" "$record"
    echo "$record has $(wc -l <"$record") lines"
elif ! diff --unified=1 "$record" "$now"; then
    cat >&2 <<WHAT_TO_DO
The public API is not the one in $record (- recorded, + now).
If the change is meant: say it in CHANGELOG.md, run ci/public-api.sh --write, and commit $record with it.
If it is not: make the item pub(crate), or give back what was taken.
If no source has changed: another nightly, or another cargo-public-api than $version, lists the API otherwise.
WHAT_TO_DO
    exit 1
fi
