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

TIMEFORMAT='%R %U %S'
median() { sort -n | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

# Prints photos per second and CPU milliseconds per photo of a whole run.
run_cairn() {
  rm -rf "$work/out"
  { time "$cairn" embed --model "$model" --images "$photos" --out "$work/out" --size 224 --mean 127.5 --std 127.5 \
      --output embedding --threads 2 2> "$work/log"; } 2> "$work/time" || { cat "$work/log" >&2; exit 1; }
  awk -v photos="$(wc -l < "$work/out/ids.txt")" '{printf "%.1f %.2f", photos / $1, ($2 + $3) * 1000 / photos}' "$work/time"
}
run_ort() { (cd "$peers" && node "$root/bench/peers/ort_embed.js" "$model" embedding 224 1200 "$@"); }

echo "photos/s (CPU ms per photo); ORT: sessions x threads x batch"
for round in $(seq "$rounds"); do
  run_cairn > "$work/now"
  cat "$work/now" >> "$work/cairn"; echo >> "$work/cairn"
  line="round $round: cairn embed $(sed 's/ \(.*\)/ (\1)/' "$work/now")"
  for i in "${!settings[@]}"; do
    # shellcheck disable=SC2086: three arguments
    run_ort ${settings[$i]} > "$work/now"
    cat "$work/now" >> "$work/ort$i"
    line+=", ORT ${settings[$i]// /x} $(sed 's/ \(.*\)/ (\1)/' "$work/now")"
  done
  echo "$line"
done

rate() { cut -d' ' -f1 "$1" | median; }
cpu() { cut -d' ' -f2 "$1" | median; }
best=0 least=1e9
for i in "${!settings[@]}"; do
  best=$(printf '%s\n' "$best" "$(rate "$work/ort$i")" | sort -g | tail -1)
  least=$(printf '%s\n' "$least" "$(cpu "$work/ort$i")" | sort -g | head -1)
done
awk -v ours="$(rate "$work/cairn")" -v best="$best" -v cpu="$(cpu "$work/cairn")" -v least="$least" 'BEGIN {
  printf "embedding, median photos/s: cairn embed (JPEG to embedding) %.1f, ONNX Runtime (inference alone, best setting) %.1f, ratio %.2f\n", ours, best, ours / best
  printf "embedding, median CPU ms per photo: cairn embed %.2f, ONNX Runtime (its least) %.2f, ratio %.2f\n", cpu, least, least / cpu
}'
