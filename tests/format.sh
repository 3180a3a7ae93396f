#!/usr/bin/env bash
# Every source file is as clang-format writes it.   format.sh SOURCE
set -euo pipefail
command -v clang-format >/dev/null || { echo "skipped: clang-format is not installed"; exit 77; }
cd "$1"
find src apps fuzz bench examples \( -name '*.h' -o -name '*.cc' \) -print0 | xargs -0 clang-format --dry-run -Werror
