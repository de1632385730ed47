#!/bin/bash
# Runs every fuzz target of protocols/fuzz for a while, or those named: tools/fuzz.sh SECONDS [TARGET…]. Fails at the first
# crash. It needs cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")/../protocols"

seconds=${1:?seconds for each target}
shift
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
# The decoders have no unsafe code, so they lose little without the sanitizer, which Debian's compiler lacks.
sanitizer=address
if ! compgen -G "$(rustc "${toolchain[@]}" --print sysroot)/lib/rustlib/*/lib/librustc*rt.asan.a" >/dev/null; then
    sanitizer=none
    echo 'fuzz: this toolchain has no AddressSanitizer; without it'
fi
# From the shared vectors on, so that the heads of all messages are known from the first run.
python3 fuzz/seed.py
[ $# -gt 0 ] || mapfile -t targets < <(cargo "${toolchain[@]}" fuzz list)
for target in "${@:-${targets[@]}}"; do
    echo "== $target"
    mkdir -p "fuzz/corpus/$target"
    cargo "${toolchain[@]}" fuzz run --sanitizer "$sanitizer" "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -max_len=2048 -print_final_stats=1 -verbosity=0
done
