#!/usr/bin/env bash
# The main job on a drawn world: landmarks that the starter weights have never seen are trained on for a minute or two,
# then held-out views are recognised and retrieved by the untrained, the starter and the trained network.
#   scripts/demo.sh [OUT]       (default build/demo; OUT is made anew)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-build/demo}
cairn=build/cairn
started=$SECONDS
step() { printf '\n== %s (%d s so far)\n' "$1" $((SECONDS - started)); }

rm -rf "$out"
mkdir -p "$out"

step "drawing a world of 12 landmarks"
"$cairn" synth --out "$out/world" --landmarks 12 --photos 80 --seed 77

step "training"
recipe=(--recipe configs/demo.yaml "data.root=$out/world")
"$cairn" train "${recipe[@]}" "out=$out/untrained" init= schedule.epochs=0
"$cairn" train "${recipe[@]}" "out=$out/starter" schedule.epochs=0
"$cairn" train "${recipe[@]}" "out=$out/trained"

step "answering the test photos"
test="$out/world/test"
table="network,GAP,top-1,mAP@100"
value() { sed -n "s/.*\"$1\": *\([0-9.e+-]*\).*/\1/p"; }
for name in untrained starter trained; do
  run="$out/$name"
  for part in train index test; do
    "$cairn" embed --model "$run/model.onnx" --images "$out/world/$part" --out "$run/embeddings/$part"
  done
  queries=(--queries "$run/embeddings/test")
  "$cairn" recognize "${queries[@]}" --references "$run/embeddings/train" \
    --labels "$out/world/train/train.csv" --out "$run/recognition.csv"
  "$cairn" retrieve "${queries[@]}" --index "$run/embeddings/index" --out "$run/retrieval.csv"
  "$cairn" search "${queries[@]}" --index "$run/embeddings/index" --top 5 --out "$run/search.csv"
  recognition=$("$cairn" eval recognition --json --solution "$test/recognition_solution_v2.1.csv" \
    --submission "$run/recognition.csv")
  retrieval=$("$cairn" eval retrieval --json --solution "$test/retrieval_solution_v2.1.csv" \
    --submission "$run/retrieval.csv")
  table+=$(printf '\n%s,%.3f,%.3f,%.3f' "$name" "$(value gap <<<"$recognition")" \
    "$(value top1_accuracy <<<"$recognition")" "$(value map_at_100 <<<"$retrieval")")
done

step "writing the report"
"$cairn" report --root "$out/world" --title "Cairn demo: a drawn world" --run "untrained=$out/untrained" \
  --run "starter=$out/starter" --run "trained=$out/trained" --out "$out/report.html"

step "done: held-out views of 12 landmarks, and as many photos without a landmark"
awk -F, '{ printf "  %-12s %8s %8s %9s\n", $1, $2, $3, $4 }' <<<"$table" | tee "$out/scores.txt"
printf '\nOpen %s/report.html\n' "$out"
