#!/usr/bin/env bash
# clang-format and clang-tidy over the project: scripts/lint.sh BUILD [file…]   (default: every .cc file)
set -euo pipefail
build=$1
shift
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files '*.cc')
git ls-files '*.h' '*.cc' | xargs clang-format --dry-run -Werror
[ -f "$build/compile_commands.json" ] || cmake --preset release
# clang cannot read GCC's precompiled headers nor its flags for them.
tidy=$(mktemp -d)
trap 'rm -rf "$tidy"' EXIT
sed -E 's/ -fpch-preprocess| -Wno-restrict| -Winvalid-pch| -include [^ ]*cmake_pch\.hxx//g' \
  "$build/compile_commands.json" >"$tidy/compile_commands.json"
compiled=()
for file in "${files[@]}"; do
  if grep -q "\"file\": \".*/$file\"" "$tidy/compile_commands.json"; then compiled+=("$file"); fi
done
printf '%s\n' "${compiled[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p "$tidy" --quiet 2>/dev/null
echo "clang-format and clang-tidy: clean (${#compiled[@]} files)"
