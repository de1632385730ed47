#!/bin/sh
# Runs Debian's Wayland conformance suite against the compositor: all of it but what tests/wlcs/excluded.txt names.
# With a filter of gtest's as its argument, that part only.
set -eu
cd "$(dirname "$0")/.."
suite=/usr/lib/$(uname -m)-linux-gnu/wlcs/wlcs
if [ ! -x "$suite" ]; then
    echo "wlcs is not installed (apt-get install wlcs)" >&2
    exit 1
fi
${CARGO:-cargo} build --locked -p goggles-wlcs
module=${CARGO_TARGET_DIR:-target}/debug/libgoggles_wlcs.so
excluded=$(sed -e 's/[[:space:]]*#.*//' -e '/^$/d' tests/wlcs/excluded.txt | paste -sd:)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
# It takes some 40 seconds; a test that never ends must not hold up whatever waits for this.
timeout 900 "$suite" "$module" --gtest_color=no --gtest_filter="${1:-*}-$excluded" >"$log" 2>&1 || code=$?
[ "$code" -ne 124 ] || echo "wlcs did not end within 15 minutes" >&2
grep -E '^\[  FAILED  \]|the server failed' "$log" | sort -u || true
count() { grep -cE "$1" "$log" || true; }
echo "wlcs: $(count '^\[       OK \]') passed, $(count '^\[     SKIP \]') skipped (what is not offered)," \
    "$(count '^\[  FAILED  \] .* \([0-9]+ ms\)') failed; excluded: $(grep -cv '^[[:space:]]*\(#\|$\)' tests/wlcs/excluded.txt)" \
    "lines of tests/wlcs/excluded.txt"
if [ "$code" -ne 0 ]; then
    tail -n 60 "$log"
    exit "$code"
fi
