#!/usr/bin/env bash
# Sets up the machine, builds the workbench and starts it.
#
#   scripts/run.sh              opens the window; without a display runs the sample in the terminal
#   scripts/run.sh ARGS...      the same as `onerec ARGS...`, see `scripts/run.sh --help`
set -euo pipefail
caller="$PWD"
cd "$(dirname "$0")/.."
source scripts/setup.sh

has_display=false
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]; then
    has_display=true
fi

# CUDA needs an NVIDIA driver to run, and the LLVM archive of burn-cuda to be built.
build=(cargo build --locked)
choose_cuda() {
    if ! { nvidia-smi -L || is_present library:libcuda.so.1; } >/dev/null 2>&1; then
        echo "Building without CUDA: no NVIDIA driver here."
        return
    fi
    local version llvm_url
    version="$(sed -n '/^name = "tracel-llvm-bundler"/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)"
    llvm_url="https://github.com/tracel-ai/tracel-llvm/releases/download/v$version/linux-x64.checksums.json"
    if [ -e "${XDG_DATA_HOME:-$HOME/.local/share}/tracel/tracel-llvm-$version/.tracel-llvm-installed" ]; then
        echo "Building with CUDA: NVIDIA driver found, and LLVM for burn-cuda is already here."
    elif curl -fsIL --max-time 15 "$llvm_url" >/dev/null 2>&1; then
        echo "Building with CUDA: NVIDIA driver found; the build will download LLVM for burn-cuda."
    else
        echo "Building without CUDA: an NVIDIA driver is here, but the LLVM archive that burn-cuda"
        echo "needs to be built cannot be reached ($llvm_url)."
        return
    fi
    build+=(--features cuda)
}

require build
if $has_display; then
    require window
fi
require_toolchain
choose_cuda
"${build[@]}"
onerec="$CARGO_TARGET_DIR/debug/onerec"

if ! $has_display; then
    # Mesa's device layer asks a compositor for the device to prefer, and prints an error where there is none.
    export NODEVICE_SELECT=1
fi
if [ "$#" -gt 0 ] || $has_display; then
    cd "$caller"
    exec "$onerec" "$@"
fi

out="runs/sample-$(date +%Y%m%d-%H%M%S)"
echo "No display here, so the sample experiment runs in the terminal. Its run folder: $PWD/$out"
exec "$onerec" run --data datasets/short-video --preset smoke --out "$out"
