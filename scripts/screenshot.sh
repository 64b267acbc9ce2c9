#!/usr/bin/env bash
# Takes a picture of the real window on a virtual screen, drawn by Mesa's software Vulkan.
#
#   scripts/screenshot.sh OUT.png [--size 1280x720] [--wait SECS] [--key KEYS]... [-- ONEREC_ARGS...]
#
# The window gets a settings folder of its own, so that a picture never depends on earlier sessions.
# Each --key is typed once the window is up (xdotool names: F5, ctrl+2); --wait is the time between
# the last key and the picture.
set -euo pipefail
caller="$PWD"
cd "$(dirname "$0")/.."
source scripts/setup.sh

usage() {
    sed -n 's/^#   //p' "$0" >&2
    exit 2
}
[ "$#" -gt 0 ] || usage
picture="$1"
[ "${picture#/}" != "$picture" ] || picture="$caller/$picture"
shift
size=1280x720
wait_secs=3
keys=()
while [ "$#" -gt 0 ]; do
    case "$1" in
    --size) size="$2" && shift 2 ;;
    --wait) wait_secs="$2" && shift 2 ;;
    --key) keys+=("$2") && shift 2 ;;
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
Xvfb -displayfd 3 -screen 0 "${size}x24" +extension GLX -nolisten tcp 3>"$scratch/display" 2>"$scratch/xvfb.log" &
pids+=("$!")
read -r display <"$scratch/display"
export DISPLAY=":$display"
unset WAYLAND_DISPLAY
openbox >/dev/null 2>&1 &
pids+=("$!")

use_software_vulkan
export XDG_CONFIG_HOME="$scratch/config" XDG_DATA_HOME="$scratch/data" XDG_STATE_HOME="$scratch/state"
"$CARGO_TARGET_DIR/debug/onerec" "$@" >"$scratch/onerec.log" 2>&1 &
pids+=("$!")

if ! window="$(timeout 60 xdotool search --sync --onlyvisible --name 'OneRec' | head -n 1)"; then
    cat "$scratch/onerec.log" >&2
    echo "The window did not open within a minute." >&2
    exit 1
fi
xdotool windowactivate --sync "$window" windowsize "$window" "${size%x*}" "${size#*x}" windowmove "$window" 0 0
for key in ${keys[@]+"${keys[@]}"}; do
    sleep 1
    xdotool key "$key"
done
sleep "$wait_secs"
import -window root "$picture"
echo "$picture"
