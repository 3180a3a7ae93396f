#!/usr/bin/env bash
# Kills `cairn embed` on real photos with -9 half-way, resumes it, and compares with an unbroken run.
#   real_embed_resume.sh CAIRN
set -uo pipefail
model=$CAIRN_SHARED_DIR/models/mobilenet_v2_imagenet.onnx
photos=$CAIRN_SHARED_DIR/data/landmarks/index
[ -e "$model" ] && [ -e "$photos" ] || { echo "skipped: $model or $photos is not there"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
embed() { exec "$cairn" embed --model "$model" --images "$photos" --mean 127.5 --std 127.5 --output embedding "$@"; }
cairn=$1

(embed --out "$work/whole") || fail "the unbroken run"
(embed --out "$work/killed") &
run=$!
while [ "$(ls "$work/killed/.parts" 2> /dev/null | grep -c 'part$')" -lt 1 ]; do
  kill -0 $run 2> /dev/null || fail "the run ended before it could be killed"
  sleep 0.02
done
kill -9 $run; wait $run 2> /dev/null
[ ! -e "$work/killed/embeddings.npy" ] || fail "a killed run left a result"
(embed --out "$work/killed" --resume --json) > "$work/summary.json" || fail "the resumed run"
resumed=$(grep -oE '"resumed": [0-9]+' "$work/summary.json" | grep -oE '[0-9]+')
[ "$resumed" -ge 300 ] || fail "only $resumed photos were taken over"
for file in embeddings.npy ids.txt meta.json skipped.csv; do
  cmp "$work/whole/$file" "$work/killed/$file" || fail "$file differs"
done
echo "identical after a kill and a resume; $resumed photos were not embedded again"
