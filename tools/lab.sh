#!/bin/bash
# Runs the tests of nested-tests/tests/lab.rs in a kernel with devices. VMTEST names the program that boots one:
# `$VMTEST --uml -- COMMAND…` runs a command there, on this machine's own files, and ends as the command does.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v "$VMTEST" >/dev/null; then
  echo "SKIPPED: test-lab: no $VMTEST to boot a kernel with devices (VMTEST=PROGRAM names one)" >&2
  exit 0
fi
cargo=${CARGO:-cargo}
"$cargo" build --locked --workspace --bins
# The path of the test program, from cargo's own messages.
test=$("$cargo" test --locked -p nested-tests --test lab --no-run 2>&1 | tee /dev/stderr | sed -n 's/.*Executable .*(\(.*\))$/\1/p')
[ -x "$test" ]
# Loopback is all the network there is.
exec "$VMTEST" --uml -- sh -c 'ip link set lo up; exec "$@"' lab "$(realpath "$test")" --ignored --test-threads=1
