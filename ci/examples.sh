#!/usr/bin/env bash
# Runs every example with small arguments, and the pool example also with invalid ones. Checks their output
# and their exit codes.
#
# It uses the dev profile, which builds in less than half the time of release. With arguments this small,
# faster runs would save no time worth mentioning.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Arguments that keep an example short. An example that is not listed runs without any.
arguments() {
    case $1 in
        pool) echo "--workers 2 --repeat 3" ;;
    esac
}

# Longer than any run may take: an example that hangs fails the check.
patience=120

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# Runs a program with its output in $work/out and $work/err, and its exit code in $status.
try() {
    status=0
    timeout "$patience" "$@" >"$work/out" 2>"$work/err" || status=$?
}

# Counts one check: its name, and why it fails, if it does.
verdict() {
    if [ -z "$2" ]; then
        passed=$((passed + 1))
        echo "ok      $1"
        return
    fi
    failed=$((failed + 1))
    echo "FAILED  $1: $2"
    sed -n '1,40s/^/        | /p' "$work/out" "$work/err"
}

# succeeds NAME STREAM PATTERN PROGRAM...: it exits with zero, and a line of that stream matches.
succeeds() {
    local name=$1 stream=$2 pattern=$3 why=
    shift 3
    try "$@"
    if [ "$status" -ne 0 ]; then
        why="exit code $status"
    elif ! grep -Eq -- "$pattern" "$work/$stream"; then
        why="no line of std$stream matches: $pattern"
    fi
    verdict "$name" "$why"
}

# refuses NAME PATTERN PROGRAM...: it reports the mistake on the standard error, and exits with 1, or with 2
# for a bad option; not by a panic, a signal or a time-out.
refuses() {
    local name=$1 pattern=$2 why=
    shift 2
    try "$@"
    if [ "$status" -ne 1 ] && [ "$status" -ne 2 ]; then
        why="exit code $status where 1 or 2 belongs"
    elif ! grep -Eq -- "$pattern" "$work/err"; then
        why="no line of stderr matches: $pattern"
    fi
    verdict "$name" "$why"
}

# The names of the examples, taken from the files, so that one that is not built is noticed.
names() {
    local file
    for file in examples/*.rs examples/ecosystem/*.rs examples/*/main.rs; do
        case $file in
            *'*'*) ;;
            */main.rs) basename "$(dirname "$file")" ;;
            *) basename "$file" .rs ;;
        esac
    done
}

# The executable of an example, as cargo names it. An example that needs large crates is a package of its own.
program() {
    sed -En '/"kind":\["(example|bin)"\]/s/.*"name":"'"$1"'".*"executable":"([^"]*)".*/\1/p' "$work/build"
}

check_smoke() {
    local name=$1 program arguments
    program=$(program "$name")
    read -ra arguments <<<"$(arguments "$name")"
    if [ -z "$program" ]; then
        : >"$work/out" >"$work/err"
        verdict "$name" "cargo has built no such example"
    else
        succeeds "$name runs and prints something" out . "$program" "${arguments[@]}"
    fi
}

# Invalid CSV files.
write_inputs() {
    local header=date,delay,distance,origin,destination
    local good="2001/01/01 00:47,66,1750,DTW,LAS" bad="2001/01/01 00:47,late,1750,DTW,LAS"
    printf '%s\n' "$header" "$good" "$bad" "$good" >"$work/one-bad.csv"
    printf '%s\n' "$header" "$bad" "$bad" >"$work/only-bad.csv"
    printf '%s\n' "$good" "$good" >"$work/no-header.csv"
}

check_pool() {
    local pool equal='^Equal to a sequential fold .* all 224 airports \(20,000 x 3 flights\)$'
    pool=$(program pool)
    write_inputs
    succeeds "pool: equal to the fold" out "$equal" "$pool" --workers 2 --repeat 3
    verdict "pool: no progress bar where there is no terminal" \
        "$([ ! -s "$work/err" ] || echo "something was written to the standard error")"
    succeeds "pool: equal with one worker" out "$equal" "$pool" --workers 1 --repeat 3
    succeeds "pool: equal with more workers than cores" out "$equal" "$pool" --workers 9 --repeat 3
    succeeds "pool: finds its file from elsewhere" out "$equal" \
        env --chdir=/ "$(realpath "$pool")" --repeat 3
    succeeds "pool: a bad line is shown with its number" err \
        'one-bad\.csv, line 3: delay "late"' "$pool" --input "$work/one-bad.csv" --repeat 3
    succeeds "pool: a bad line costs that line only" out \
        '^Equal to .* all 2 airports \(2 x 3 flights\)$' \
        "$pool" --input "$work/one-bad.csv" --repeat 3
    refuses "pool: a missing file is named" 'cannot open /no/such/file\.csv: ' \
        "$pool" --input /no/such/file.csv
    refuses "pool: a file of bad lines only" 'only-bad\.csv: not one valid flight' \
        "$pool" --input "$work/only-bad.csv"
    refuses "pool: a file without its header" 'no-header\.csv, line 1: the header ' \
        "$pool" --input "$work/no-header.csv"
    refuses "pool: no workers" "'0' for '--workers " "$pool" --workers 0
    refuses "pool: no rounds" "'0' for '--repeat " "$pool" --repeat 0
}

# The servers and clients of the example use free ports.
check_http() {
    local http
    http=$(program http)
    succeeds "http: every deposit is made, and written down once" out \
        '^the journal has 1002 changes, which make 1070$' "$http"
    succeeds "http: the server closes before the pool" out '^the pool has closed: 0 .*, 0 ' "$http"
    succeeds "http: serves where it is told to, until its input ends" out \
        '^serving on 127\.0\.0\.1:[0-9]+ ' "$http" 127.0.0.1:0 </dev/null
    refuses "http: an address that is none" 'AddrParse' "$http" nowhere
}

check_threads() {
    succeeds "threads: every parcel is weighed" out '^3000 parcels weigh 148500 kg$' \
        "$(program threads)"
}

check_counters() {
    succeeds "counters: what all of them have counted" out '^together they come to 221666500$' \
        "$(program counters)"
}

# Together with tokio and tracing.
check_ecosystem() {
    local in_order='^the pool.*: 0 actors stopped by force, 0 messages left$'
    succeeds "chat: closes in order" out "$in_order" "$(program chat)"
    succeeds "orders: Ctrl-C closes it in order" out "$in_order" "$(program orders)"
    succeeds "orders: all stock is saved" out '^in the warehouse: .*"coffee": 4, .*"tea": 4' \
        "$(program orders)"
    succeeds "spans: no line is under those of another handler" out '^16 lines, each under ' \
        "$(program spans)"
}

# It answers a scrape while it runs, and ends by itself.
check_prometheus() {
    local prometheus pid port='' seconds=5 why=''
    prometheus=$(program prometheus)
    timeout "$patience" "$prometheus" --port 0 --seconds "$seconds" >"$work/out" 2>"$work/err" &
    pid=$!
    while [ -z "$port" ] && kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
        port=$(sed -En 's|^scrape http://127\.0\.0\.1:([0-9]+)/metrics .*|\1|p' "$work/out")
    done
    if [ -z "$port" ]; then
        why="it has printed no address"
    elif ! (
        exec 3<>"/dev/tcp/127.0.0.1/$port"
        printf 'GET /metrics HTTP/1.1\r\n\r\n' >&3
        timeout "$patience" cat <&3
    ) >>"$work/out"; then
        why="it does not answer"
    elif ! grep -Eq '^nexus_handled_messages_total\{.*\} [0-9]+$' "$work/out"; then
        why="the scrape has no count of handled messages"
    fi
    status=0
    wait "$pid" || status=$?
    if [ -z "$why" ] && [ "$status" -ne 0 ]; then
        why="exit code $status"
    fi
    verdict "prometheus: answers a scrape, and ends after $seconds seconds" "$why"
    succeeds "prometheus: ends with its input" out 'until the standard input ends$' \
        "$prometheus" --port 0 </dev/null
    refuses "prometheus: a port that is none" '--port 65536' "$prometheus" --port 65536
}

# In the profile of `cargo test`, so that they need not be built again.
cargo build --locked --examples --message-format=json-render-diagnostics >"$work/build"
cargo build --locked --package nexus-ecosystem --message-format=json-render-diagnostics >>"$work/build"
cargo build --locked --package nexus-http --message-format=json-render-diagnostics >>"$work/build"
cargo build --locked --package nexus-actors-metrics --examples \
    --message-format=json-render-diagnostics >>"$work/build"
for name in $(names); do
    check_smoke "$name"
done
check_pool
check_http
check_threads
check_counters
check_ecosystem
check_prometheus

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
