#!/usr/bin/env bash
# Cairn and its peers side by side, one thread each, in turns; then the tables and charts of docs/.
#   bench/run.sh [--quick] [--rounds N] [TOPIC[=NAME,…]]…      (default: all topics; `make bench` builds first)
#
# Topics: embedding (networks, against ONNX Runtime, PyTorch, OpenCV).
# Results are merged into build/bench/results.json, so topics and networks can be measured one at a time:
#   bench/run.sh embedding=resnet50,b0_224
# Peers that are not there (scripts/setup.sh bench peers) are left out by name. Photos and MobileNetV2 come from ../shared
# or CAIRN_SHARED_DIR.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
export CAIRN_BUILD=${CAIRN_BUILD:-$root/build/release} PYTHONDONTWRITEBYTECODE=1
options=() topics=()
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) options+=(--quick) ;;
    --rounds) [ $# -gt 1 ] || { echo "bench: --rounds needs a number" >&2; exit 2; }; options+=(--rounds "$2"); shift ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "bench: unknown option '$1' (--quick, --rounds N)" >&2; exit 2 ;;
    *) topics+=("$1") ;;
  esac
  shift
done
[ ${#topics[@]} -gt 0 ] || topics=(embedding)
[ -x "$CAIRN_BUILD/bench/embed_runner" ] || { echo "bench: build first (make bench)" >&2; exit 1; }

peers=$root/build/peers
mkdir -p "$peers"
if ! cmp -s "$root/bench/peers/package.json" "$peers/package.json" || [ ! -d "$peers/node_modules" ]; then
  cp "$root/bench/peers/package.json" "$peers/"
  (cd "$peers" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error) ||
    echo "bench: ONNX Runtime could not be installed by npm: it is left out" >&2
fi

for topic in "${topics[@]}"; do
  names=()
  [[ $topic != *=* ]] || names=(--only "${topic#*=}")
  case "${topic%%=*}" in
    embedding) /usr/bin/python3 "$root/bench/embedding.py" "${options[@]}" "${names[@]}" ;;
    *) echo "bench: unknown topic '$topic' (embedding)" >&2; exit 2 ;;
  esac
done
/usr/bin/python3 "$root/bench/report.py" "$root/build/bench/results.json" "$root/docs"
echo "written: build/bench/results.json, docs/benchmarks.md, docs/bench_*.svg"
