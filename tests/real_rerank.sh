#!/usr/bin/env bash
# The re-ranking table on real photos (docs/benchmarks.md).   real_rerank.sh CAIRN
set -euo pipefail
cairn=$1
shared=${CAIRN_SHARED_DIR:?}
photos=$shared/data/landmarks
model=$shared/models/mobilenet_v2_imagenet.onnx
for needed in "$photos" "$model"; do
  [ -e "$needed" ] || { echo "skipped: $needed is not there"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*" >&2; tail -5 log >&2; exit 1; }

# The second model: the class scores of the same network.
for output in embedding logits; do
  for part in train index test; do
    "$cairn" embed --model "$model" --size 224 --mean 127.5 --std 127.5 --precision f32 --output "$output" \
      --images "$photos/$part" --out "$output/$part" 2> log || fail "embed $part"
  done
done

labels=(--labels "$photos/train/train.csv" --country "$photos/country")
one=(--queries embedding/test --index embedding/index)
tagged=("${one[@]}" --references embedding/train "${labels[@]}")
two=("${one[@]}" --queries logits/test --index logits/index --weights 1,0.7)
two_tagged=("${two[@]}" --references embedding/train --references logits/train "${labels[@]}")

# row NAME LEAST options…: prints and checks a line of the table
row() {
  local name=$1 least=$2 map; shift 2
  "$cairn" retrieve "$@" --out images.csv 2> log || fail "$name"
  map=$("$cairn" eval retrieval --solution "$photos/test/retrieval_solution_v2.1.csv" --submission images.csv 2> log |
    awk '/mAP@100/ {print $2}')
  printf '%-46s mAP@100 %s\n' "$name" "$map"
  awk -v map="$map" -v least="$least" 'BEGIN {exit !(map >= least)}' || fail "$name: below $least"
}
row "none" 0.69 "${one[@]}"
row "k-reciprocal" 0.78 "${one[@]}" --rerank k-reciprocal
row "k-reciprocal full" 0.82 "${one[@]}" --rerank k-reciprocal --k-reciprocal full
row "landmark-country" 0.81 "${tagged[@]}" --rerank landmark-country
row "landmark-country, tagged by plain cosine" 0.81 "${tagged[@]}" --rerank landmark-country --tag-by cosine
row "both" 0.83 "${tagged[@]}" --rerank both
row "both, k-reciprocal full" 0.85 "${tagged[@]}" --rerank both --k-reciprocal full
row "query expansion, 3 photos" 0.72 "${one[@]}" --expand-queries 3
row "diffusion, 2 rounds" 0.78 "${one[@]}" --diffuse 2
row "class scores alone" 0.60 --queries logits/test --index logits/index
row "fusion of both outputs" 0.67 "${two[@]}"
row "fusion, landmark-country before merging" 0.81 "${two_tagged[@]}" --rerank landmark-country
row "fusion, landmark-country after merging" 0.81 "${two_tagged[@]}" --rerank landmark-country --merge after
row "fusion, both, k-reciprocal full" 0.85 "${two_tagged[@]}" --rerank both --k-reciprocal full
