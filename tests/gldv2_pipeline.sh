#!/usr/bin/env bash
# The four stages of the retrieval solution, from raw tables on, with a small network: a growing class list, a kill in
# the middle, and the dry run of the network that they are for.
#   gldv2_pipeline.sh CAIRN SOURCE
set -uo pipefail
cairn=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chain=(--pipeline "$2/configs/gldv2/R50_256/pipeline.yaml" data.root=gldv2 out=run size=32 batch=4 augment.pad=2
  stages.0.epochs=1 threads=1)
small=(model.backbone=resnet18 checkpoint.steps=1)

fail() { echo "FAILED: $*" >&2; [ -f log ] && tail -5 log >&2; exit 1; }

"$cairn" synth --out gldv2 --landmarks 4 --photos 8 --size 48 --seed 3 --distractors 0 >log 2>&1 || fail "synth"
sed -i 2d gldv2/train/train_clean.csv  # a landmark that only the last two stages know
"$cairn" lists --root gldv2 --out gldv2/lists >log 2>&1 || fail "lists"

"$cairn" train "${chain[@]}" --dry-run >log 2>&1 || fail "the dry run"
[ "$(grep -c '^# stage .*: to run' log)" = 4 ] || fail "not four stages"
[ "$(grep -c '^landmarks   3' log)" = 2 ] && [ "$(grep -c '^landmarks   4' log)" = 2 ] || fail "not 3, 3, 4, 4 landmarks"
of_landmarks=$(awk -F, 'NR == 1 {for (i = 1; i <= NF; ++i) if ($i == "landmark_id") c = i} NR > 1 && $c >= 0' gldv2/lists/all.csv | wc -l)
grep -q "^photos      $of_landmarks to train on" log || fail "the last stage draws photos without a landmark"
[ ! -e run ] || fail "a dry run wrote"

"$cairn" train "${chain[@]}" "${small[@]}" >log 2>&1 &
pid=$!
while [ ! -e run/3-512_finetune/checkpoint.safetensors ]; do
  kill -0 "$pid" 2>/dev/null || fail "the run ended before it could be killed"
  sleep 0.01
done
kill -9 "$pid"
wait "$pid" 2>/dev/null
[ -e run/2-384_finetune/model.onnx ] && [ ! -e run/3-512_finetune/model.onnx ] || fail "not killed in the third stage"
grep -q "carried 3 of 4 landmarks over" log || fail "the third stage carries no centres over"

"$cairn" train --processes 2 "${chain[@]}" "${small[@]}" >log 2>&1 || fail "the resumed run, by two processes"
[ "$(grep -c 'stage .*: finished' log)" = 2 ] || fail "finished stages ran again"
grep -q "going on after" log || fail "the third stage started over"
grep -q "carried 4 of 4 landmarks over" log || fail "the last stage carries no centres over"
[ "$(wc -l <run/1-384/labels.csv)" = 4 ] && [ "$(wc -l <run/4-512_all/labels.csv)" = 5 ] || fail "labels"
"$cairn" embed --model run/4-512_all/model.onnx --images gldv2/index --out emb >log 2>&1 || fail "embed"

"$cairn" train "${chain[@]}" "${small[@]}" >log 2>&1 || fail "the finished run"
[ "$(grep -c 'stage .*: finished' log)" = 4 ] || fail "a finished run ran again"
echo "four stages, killed in the third and resumed"
