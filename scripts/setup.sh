#!/usr/bin/env bash
# Finds and installs what building, testing and showing the workbench need.
#
# Sourced by run.sh, test.sh and screenshot.sh. Run by hand, it prepares the machine and stops:
#   scripts/setup.sh [--with-window-tests]
#
# On Debian and Ubuntu missing packages are installed with apt; elsewhere they are named. When
# nothing is missing, nothing is touched and no network is used.

# One target folder for all checkouts: a fresh clone reuses the compiled dependencies.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/onerec-workbench/target}"

# What is needed, one per line: how to find it, then the Debian package that brings it.
# Everything that talks to the screen is opened at run time, so the build needs only a C compiler.
needs_of() {
    case "$1" in
    build)
        echo "command:cc build-essential"
        ;;
    window)
        cat <<'LIST'
library:libxkbcommon.so.0 libxkbcommon0
library:libxkbcommon-x11.so.0 libxkbcommon-x11-0
library:libX11-xcb.so.1 libx11-xcb1
library:libXcursor.so.1 libxcursor1
library:libXi.so.6 libxi6
library:libXrandr.so.2 libxrandr2
library:libwayland-client.so.0 libwayland-client0
library:libwayland-cursor.so.0 libwayland-cursor0
library:libwayland-egl.so.1 libwayland-egl1
library:libfontconfig.so.1 libfontconfig1
library:libGL.so.1 libgl1
library:libEGL.so.1 libegl1
library:libvulkan.so.1 libvulkan1
vulkan-driver: mesa-vulkan-drivers
cjk-font: fonts-noto-cjk
LIST
        ;;
    software-vulkan)
        echo "library:libvulkan.so.1 libvulkan1"
        echo "software-vulkan: mesa-vulkan-drivers"
        ;;
    window-tests)
        cat <<'LIST'
command:Xvfb xvfb
command:xkbcomp x11-xkb-utils
command:openbox openbox
command:xdotool xdotool
command:import imagemagick
LIST
        ;;
    esac
}

# The manifest of Mesa's software Vulkan, or nothing.
software_vulkan_manifest() {
    local manifest
    for manifest in /usr/share/vulkan/icd.d/lvp_icd*.json /etc/vulkan/icd.d/lvp_icd*.json; do
        if [ -e "$manifest" ]; then
            echo "$manifest"
            return
        fi
    done
}

# Lets programs started from here see Mesa's software Vulkan only, where it is installed.
use_software_vulkan() {
    local manifest
    manifest="$(software_vulkan_manifest)"
    if [ -n "$manifest" ]; then
        export VK_DRIVER_FILES="$manifest" VK_ICD_FILENAMES="$manifest" # the latter for older loaders
    fi
}

is_present() {
    local what="${1#*:}"
    local found=""
    case "$1" in
    command:*) found="$(command -v "$what")" ;;
    library:*) found="$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -F "$what ")" ;;
    vulkan-driver:*) found="$(find /usr/share/vulkan/icd.d /etc/vulkan/icd.d -name '*.json' 2>/dev/null)" ;;
    software-vulkan:*) found="$(software_vulkan_manifest)" ;;
    cjk-font:*) found="$(find /usr/share/fonts /usr/local/share/fonts "$HOME/.local/share/fonts" \
        -iname '*cjk*' -o -iname '*wqy*' -o -iname '*SourceHan*' 2>/dev/null)" ;;
    esac
    [ -n "$found" ]
}

# Makes sure that the named groups of needs are met, or says what is missing and ends the script.
require() {
    [ "$(uname)" = Linux ] || set -- build # macOS brings all but the compiler
    local group need package
    local packages=()
    for group in "$@"; do
        while read -r need package; do
            is_present "$need" || packages+=("$package")
        done < <(needs_of "$group")
    done
    [ "${#packages[@]}" -gt 0 ] || return 0

    local as_root="env"
    if [ "$(id -u)" -ne 0 ]; then
        as_root="sudo"
        [ -t 0 ] || as_root="sudo -n" # nobody is there to type a password
    fi
    if ! command -v apt-get >/dev/null || ! command -v "${as_root%% *}" >/dev/null; then
        echo "Missing: ${packages[*]} (the names that Debian and Ubuntu give to these packages)." >&2
        echo "Install them with your system's package manager, then run this again." >&2
        exit 1
    fi
    echo "Installing ${packages[*]}"
    local apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"
    $apt update </dev/null || echo "apt-get update failed; trying with the package lists that are here" >&2
    if ! $apt install -y --no-install-recommends "${packages[@]}" </dev/null >/dev/null; then
        echo "apt-get could not install: ${packages[*]}" >&2
        echo "Install them by hand, then run this again." >&2
        exit 1
    fi
}

# Makes sure that cargo runs with the toolchain that rust-toolchain.toml names.
require_toolchain() {
    local wanted
    wanted="$(sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml)"
    PATH="$PATH:$HOME/.cargo/bin" # where rustup puts it, even if no shell has been restarted since
    if ! command -v cargo >/dev/null; then
        echo "Rust is missing. Install it from https://rustup.rs, then run this again." >&2
        exit 1
    fi
    if ! cargo --version >/dev/null; then
        echo "Rust $wanted is missing. Run: rustup toolchain install $wanted" >&2
        exit 1
    fi
    local found
    found="$(rustc --version | cut -d' ' -f2)"
    if [ "$(printf '%s\n%s\n' "$wanted" "${found%%-*}" | sort -V | head -n 1)" != "$wanted" ]; then
        echo "Rust $wanted or newer is needed, this is $found. Install it from https://rustup.rs" >&2
        exit 1
    fi
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    cd "$(dirname "$0")/.."
    case "${1:-}" in
    "") require build window ;;
    --with-window-tests) require build window software-vulkan window-tests ;;
    *)
        echo "usage: scripts/setup.sh [--with-window-tests]" >&2
        exit 2
        ;;
    esac
    require_toolchain
    echo "Ready. Build products go to $CARGO_TARGET_DIR"
fi
