#!/usr/bin/env bash
# Builds the libFuzzer targets and runs each for SECONDS: scripts/fuzz.sh [SECONDS] [target…]
# Corpora grow in build/fuzz/corpus; an input that is a finding is kept in build/fuzz/findings, and the exit code is 1.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
build=build/fuzz
cmake --preset fuzz >/dev/null
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(sed -nE 's/^cairn_fuzz_target\(NAME ([a-z_]+).*/\1/p' fuzz/CMakeLists.txt)
fi
cmake --build "$build" --target "${targets[@]/#/fuzz_}" $(printf 'fuzz_%s_seeds ' "${targets[@]}")

mkdir -p "$build/findings"
failed=0
for target in "${targets[@]}"; do
  corpus=$build/corpus/$target
  "$build/fuzz/fuzz_${target}_seeds" "$corpus"
  echo "fuzz_$target: ${seconds} s from $(find "$corpus" -type f | wc -l) inputs"
  log=$build/fuzz_$target.log
  if "$build/fuzz/fuzz_$target" "$corpus" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
    -artifact_prefix="$build/findings/$target-" -print_final_stats=1 >"$log" 2>&1; then
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec)' "$log"
  else
    failed=$((failed + 1))
    tail -n 40 "$log"
    echo "fuzz_$target: a finding; run $build/fuzz/fuzz_$target on its file in $build/findings"
  fi
done
echo "fuzz: $((${#targets[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
