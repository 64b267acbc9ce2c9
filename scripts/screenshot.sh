#!/usr/bin/env bash
# Takes a picture of the real window on a virtual screen, drawn by Mesa's software Vulkan.
#
#   scripts/screenshot.sh OUT.png [--size 1280x720] [--do "XDOTOOL COMMAND"]... [-- ONEREC_ARGS...]
#
# Each --do is given to xdotool once the window is up, in order, for example:
#   --do "key F5" --do "sleep 60" --do "mousemove 400 300 click 1" --do "key ctrl+2"
# ONEREC_THEME=dark|light, ONEREC_PANE=codebook and so on (that pane alone) and ONEREC_AUTORUN=1 (Run all
# at once) are read by the window. It gets a home of its own, which is removed at the end, so that a
# picture never depends on what was done before.
set -euo pipefail
caller="$PWD"
cd "$(dirname "$0")/.."
source scripts/setup.sh

usage() {
    sed -n 's/^#   //p' "$0" | head -n 1 >&2
    exit 2
}
[ "$#" -gt 0 ] || usage
picture="$1"
[ "${picture#/}" != "$picture" ] || picture="$caller/$picture"
shift
size=1280x720
actions=()
while [ "$#" -gt 0 ]; do
    case "$1" in
    --size) size="$2" && shift 2 ;;
    --do) actions+=("$2") && shift 2 ;;
    --) shift && break ;;
    *) usage ;;
    esac
done

require build window software-vulkan window-tests
require_toolchain
cargo build --locked

scratch="$(mktemp -d)"
pids=()
cleanup() {
    [ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    rm -rf "$scratch"
}
trap cleanup EXIT

mkfifo "$scratch/display"
# Somewhat larger than the window, whose frame comes on top.
Xvfb -displayfd 3 -screen 0 "$((${size%x*} + 40))x$((${size#*x} + 80))x24" +extension GLX -nolisten tcp -noreset 3>"$scratch/display" 2>"$scratch/xvfb.log" &
pids+=("$!")
read -r display <"$scratch/display"
export DISPLAY=":$display"
unset WAYLAND_DISPLAY
openbox >/dev/null 2>&1 &
pids+=("$!")

use_software_vulkan
export ONEREC_HOME="$scratch/home"
"$CARGO_TARGET_DIR/debug/onerec" "$@" >"$scratch/onerec.log" 2>&1 &
pids+=("$!")

window=""
for _ in $(seq 120); do
    window="$(xdotool search --onlyvisible --name 'OneRec' 2>/dev/null | head -n 1 || true)"
    if [ -n "$window" ] || ! kill -0 "${pids[2]}" 2>/dev/null; then
        break
    fi
    sleep 0.5
done
if [ -z "$window" ]; then
    cat "$scratch/onerec.log" >&2
    echo "The window did not open." >&2
    exit 1
fi
xdotool windowactivate --sync "$window" windowsize "$window" "${size%x*}" "${size#*x}"
sleep 2 # until the first frames are drawn
for action in ${actions[@]+"${actions[@]}"}; do
    # shellcheck disable=SC2086 # split on purpose: it is a command line
    xdotool $action
    sleep 1
done
import -window "$window" "$picture"
echo "$picture"
