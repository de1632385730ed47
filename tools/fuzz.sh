#!/bin/bash
# Runs every fuzz target of protocols/fuzz for a while: tools/fuzz.sh SECONDS. It needs cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")/../protocols"

seconds=${1:?seconds for each target}
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo 'fuzz: cargo-fuzz is missing; install it with: cargo install cargo-fuzz --locked' >&2
    exit 1
fi
# The sanitizer's flags are unstable; without a nightly toolchain the stable compiler is told to take them all the same.
toolchain=()
if cargo +nightly --version >/dev/null 2>&1; then
    toolchain=(+nightly)
else
    export RUSTC_BOOTSTRAP=1
fi
for target in $(cargo "${toolchain[@]}" fuzz list); do
    echo "== $target"
    cargo "${toolchain[@]}" fuzz run "$target" -- -max_total_time="$seconds"
done
