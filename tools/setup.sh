#!/bin/bash
# Installs the Debian packages that a group of work needs. Run again, it only looks and ends at once.
#
#   tools/setup.sh [--check] GROUP...      GROUP: build, run, check, test, games
#
# build: what cargo and npm need. run: what goggles-scope and the demo need. check: the programs that judge what we made in
# make test. test: the programs that the nested tests start. games: those of make test-games (large). --check only says
# what is missing (exit status 1 if anything is).
set -euo pipefail

build=(build-essential pkg-config libxkbcommon-dev libpixman-1-dev libgstreamer1.0-dev
    libgstreamer-plugins-base1.0-dev libpipewire-0.3-dev libwayland-dev libclang-dev clang cmake)
run=(xwayland xkb-data fonts-dejavu-core gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly libgl1-mesa-dri glmark2-es2-wayland pipewire pipewire-bin pipewire-pulse pipewire-alsa)
check=(edid-decode x11-utils x11-xserver-utils xdotool wlcs dbus-daemon bubblewrap gstreamer1.0-libav pulseaudio-utils)
test=(weston foot xterm libsdl2-tests zenity gtk-3-examples gtk-4-examples adwaita-icon-theme
    mesa-utils vulkan-tools mesa-vulkan-drivers xvfb chromium wireplumber
    alsa-utils grim wlr-randr)
games=(supertuxkart retroarch retroarch-assets wine wine64 chromium)

# The least versions: node for esbuild's target and node:test, cargo for edition 2024 and the dependencies.
node_major=18
rust_minor=92
# Debian 12's own recent toolchain, for a machine that has none.
toolchain=(cargo-web rustc-web rustfmt-web rust-web-clippy)

usage() {
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

check_only=
wanted=()
for arg in "$@"; do
    case $arg in
        --check) check_only=1 ;;
        build) wanted+=("${build[@]}"); need_build=1 ;;
        run) wanted+=("${run[@]}") ;;
        check) wanted+=("${check[@]}"); need_check=1 ;;
        test) wanted+=("${test[@]}") ;;
        games) wanted+=("${games[@]}") ;;
        *) usage ;;
    esac
done
[ ${#wanted[@]} -gt 0 ] || usage

if [ "${need_build:-}" ]; then
    # Any node that is recent enough will do; Debian 12's own is.
    major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/') || true
    if [ "${major:-0}" -lt "$node_major" ]; then
        wanted+=(nodejs npm)
    elif ! command -v npm >/dev/null; then
        wanted+=(npm)
    fi
    version=$(cargo --version 2>/dev/null | sed 's/^cargo 1\.\([0-9]*\).*/\1/') || true
    if ! command -v cargo >/dev/null; then
        wanted+=("${toolchain[@]}")
    elif [ "${version:-0}" -lt "$rust_minor" ]; then
        echo "setup: cargo is 1.${version:-?}; a Rust toolchain of at least 1.$rust_minor is needed:" \
            "see https://rustup.rs" >&2
        exit 1
    fi
fi

if [ "${need_check:-}" ]; then
    # rustup's minimal profile has neither.
    for part in fmt clippy; do
        if command -v cargo >/dev/null && ! cargo "$part" --version >/dev/null 2>&1; then
            echo "setup: cargo $part is missing: rustup component add rustfmt clippy" >&2
            exit 1
        fi
    done
fi

missing=()
for package in "${wanted[@]}"; do
    # A word for each architecture that it is installed for.
    status=$(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null) || true
    case " $status" in
        *' installed '*) ;;
        *) missing+=("$package") ;;
    esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "setup: missing: ${missing[*]}" >&2
[ -z "$check_only" ] || exit 1

if [ "$(id -u)" = 0 ]; then
    as=()
    echo "setup: installing them, as root" >&2
elif command -v sudo >/dev/null; then
    as=(sudo)
    echo "setup: installing them through sudo" >&2
else
    echo "setup: they can be installed by root only; as root: apt-get install ${missing[*]}" >&2
    exit 1
fi
"${as[@]}" apt-get -q update
"${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "${missing[@]}"
