#!/usr/bin/env bash
# Cairn and its peers side by side, alternating, so that a busy machine slows both.
#   bench/run.sh [ROUNDS]      (default 5; needs ../shared or CAIRN_SHARED_DIR, Node.js and npm)
#
# Embedding: photos per second of `cairn embed` over whole runs (process start, reading and decoding
# JPEGs, MobileNetV2 at 224 pixels in f32, writing) on 2 threads, against the images per second of
# ONNX Runtime's f32 inference alone on 2 threads, in the best of its settings.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
shared=${CAIRN_SHARED_DIR:-$root/../shared}
rounds=${1:-5}
cairn=${CAIRN:-$root/build/cairn}
model=$shared/models/mobilenet_v2_imagenet.onnx
photos=$shared/data/landmarks
[ -e "$model" ] && [ -e "$photos" ] || { echo "bench: $model and $photos are needed (CAIRN_SHARED_DIR)" >&2; exit 1; }
[ -x "$cairn" ] || { echo "bench: build first (make build)" >&2; exit 1; }

peers=$root/build/peers
mkdir -p "$peers"
if ! cmp -s "$root/bench/peers/package.json" "$peers/package.json" || [ ! -d "$peers/node_modules" ]; then
  cp "$root/bench/peers/package.json" "$peers/"
  (cd "$peers" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error)
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# sessions × intra-op threads × batch
settings=("1 2 1" "2 1 1" "2 1 8")

median() { sort -n | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

echo "round  cairn embed  $(printf 'ORT (%s)  ' "${settings[@]}")"
for round in $(seq "$rounds"); do
  rm -rf "$work/out"
  start=$(date +%s%N)
  "$cairn" embed --model "$model" --images "$photos" --out "$work/out" --size 224 --mean 127.5 --std 127.5 \
    --output embedding --threads 2 2> "$work/log" || { cat "$work/log" >&2; exit 1; }
  rate=$(awk -v photos="$(wc -l < "$work/out/ids.txt")" -v ns=$(($(date +%s%N) - start)) 'BEGIN {printf "%.1f", photos / ns * 1e9}')
  echo "$rate" >> "$work/cairn"
  line="$round      $rate        "
  for i in "${!settings[@]}"; do
    # shellcheck disable=SC2086: three arguments
    rate=$(cd "$peers" && node "$root/bench/peers/ort_embed.js" "$model" embedding 224 1200 ${settings[$i]})
    echo "$rate" >> "$work/ort$i"
    line+="$rate        "
  done
  echo "$line"
done

ours=$(median < "$work/cairn")
best=0
for i in "${!settings[@]}"; do
  rate=$(median < "$work/ort$i")
  best=$(awk -v a="$best" -v b="$rate" 'BEGIN {print a > b ? a : b}')
done
awk -v ours="$ours" -v best="$best" 'BEGIN {
  printf "median photos/s: cairn embed (JPEG to embedding) %.1f, ONNX Runtime (inference alone, best setting) %.1f\n", ours, best
  printf "ratio: %.2f\n", ours / best
}'
