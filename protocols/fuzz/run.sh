#!/bin/sh
# run.sh SECONDS [TARGET…]: runs every fuzz target, or those named, for so long each; fails at the first crash.
# Needs cargo-fuzz (`cargo install cargo-fuzz`) and a C++ compiler; a stable toolchain will do.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?usage: run.sh SECONDS [TARGET…]}
shift
# The sanitizer flags are unstable; this is how a stable compiler takes them.
export RUSTC_BOOTSTRAP=1
# Start from the shared vectors, so that the heads of all messages are known from the first run on.
python3 fuzz/seed.py
[ $# -gt 0 ] || set -- $(cargo fuzz list)
for target in "$@"; do
    echo "== $target"
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -max_len=2048 -print_final_stats=1 -verbosity=0
done
