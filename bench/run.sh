#!/usr/bin/env bash
# Cairn and its peers side by side, one thread each, in turns; then the tables and charts of docs/.
#   bench/run.sh [--quick] [--rounds N] [TOPIC[=NAME,…]]…      (default: all topics; `make bench` builds first)
#
# Topics: embedding (networks beside ONNX Runtime, PyTorch, OpenCV), whole (JPEG to embedding beside the network alone),
# search (beside faiss and hnswlib). Results are merged into build/bench/results.json, so topics and networks can be
# measured one at a time:
#   bench/run.sh embedding=resnet50,b0_224
# --quick is shorter and writes build/bench/quick instead of docs/.
# Peers that are not there (scripts/setup.sh bench peers) are left out by name. Photos and MobileNetV2 come from ../shared
# or CAIRN_SHARED_DIR.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
export CAIRN_BUILD=${CAIRN_BUILD:-$root/build/release} PYTHONDONTWRITEBYTECODE=1
options=() topics=() results=$root/build/bench/results.json docs=$root/docs
while [ $# -gt 0 ]; do
  case "$1" in
    --quick)
      options+=(--quick) results=$root/build/bench/quick.json docs=$root/build/bench/quick
      mkdir -p "$docs" && cp "$root/docs/benchmarks.md" "$docs" ;;
    --rounds) [ $# -gt 1 ] || { echo "bench: --rounds needs a number" >&2; exit 2; }; options+=(--rounds "$2"); shift ;;
    -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "bench: unknown option '$1' (--quick, --rounds N)" >&2; exit 2 ;;
    *) topics+=("$1") ;;
  esac
  shift
done
[ ${#topics[@]} -gt 0 ] || topics=(embedding whole search)
[ -x "$CAIRN_BUILD/bench/embed_runner" ] || { echo "bench: build first (make bench)" >&2; exit 1; }

peers=$root/build/peers
mkdir -p "$peers"
if ! cmp -s "$root/bench/peers/package.json" "$peers/package.json" || [ ! -d "$peers/node_modules" ]; then
  cp "$root/bench/peers/package.json" "$peers/"
  (cd "$peers" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error) ||
    echo "bench: ONNX Runtime could not be installed by npm: it is left out" >&2
fi

for topic in "${topics[@]}"; do
  script=${topic%%=*} names=()
  [[ $topic != *=* ]] || names=(--only "${topic#*=}")
  case "$script" in
    embedding) ;;
    whole) script=whole_runs ;;
    search) script=searching ;;
    *) echo "bench: unknown topic '$topic' (embedding, whole, search)" >&2; exit 2 ;;
  esac
  /usr/bin/python3 "$root/bench/$script.py" --results "$results" "${options[@]}" "${names[@]}"
done
/usr/bin/python3 "$root/bench/report.py" "$results" "$docs"
echo "written: $results, $docs/benchmarks.md, $docs/bench_*.svg"
