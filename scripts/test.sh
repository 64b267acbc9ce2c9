#!/usr/bin/env bash
# Every check of the project: format, lints, documentation, then all tests.
#
# All of them run even if an earlier one fails, so that one run shows everything; the tests come
# last. Window tests draw on Mesa's software Vulkan, so no screen and no GPU are needed.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh

require build software-vulkan
require_toolchain
if ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    rustup component add rustfmt clippy
fi

failed=()
check() {
    echo "== $*"
    "$@" || failed+=("$*")
}

check cargo fmt --check
check cargo clippy --locked --all-targets -- -D warnings
# The engine alone: a use of the window inside it cannot compile here.
check cargo clippy --locked --no-default-features --lib -- -D warnings
RUSTDOCFLAGS="-D warnings" check cargo doc --locked --no-deps --document-private-items

use_software_vulkan

if [ "${#failed[@]}" -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}" >&2
fi
echo "== cargo test --locked"
cargo test --locked
[ "${#failed[@]}" -eq 0 ]
