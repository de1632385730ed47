#!/bin/bash
# Runs the tests of nested-tests/tests/lab.rs, and of tests/compositor/timelines.rs, in kernels with devices. VMTEST names
# the program that boots them: `$VMTEST --uml -- COMMAND…` (User Mode Linux) and `$VMTEST -- COMMAND…` (an emulated machine
# with a virtual GPU) run a command there, on this machine's own files, and end as the command does (125: no kernel came up).
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v "$VMTEST" >/dev/null; then
  echo "SKIPPED: test-lab: no $VMTEST to boot a kernel with devices (VMTEST=PROGRAM names one)" >&2
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "SKIPPED: test-lab: booting a kernel on this machine's files needs root" >&2
  exit 0
fi
cargo=${CARGO:-cargo}
# The path of a test program, from cargo's own messages. (`tee /dev/stderr` would open a log file anew and empty it.)
program() {
  "$cargo" test --locked --no-run "$@" 2>&1 | tee >(cat >&2) | sed -n 's/.*Executable .*(\(.*\))$/\1/p'
}
"$cargo" build --locked --workspace --bins
lab=$(realpath "$(program -p nested-tests --test lab)")
compositor=$(realpath "$(program -p goggles-scope --test compositor)")
# boot OPTION... -- COMMAND...: the command's exit status, or 125 where no kernel came up.
boot() {
  local status=0
  "$VMTEST" "$@" || status=$?
  if [ "$status" = 125 ]; then
    echo "SKIPPED: test-lab: $VMTEST could boot no kernel for the last command" >&2
    return 0
  fi
  return "$status"
}
# Loopback is all the network there is.
network='ip link set lo up; exec "$@"'
boot --uml -- sh -c "$network" lab "$lab" --ignored --test-threads=1
# Timelines need a GPU's driver, which only a whole machine has: it is emulated, and slower.
boot -- sh -c "$network" lab "$compositor" --ignored --test-threads=1 timelines
