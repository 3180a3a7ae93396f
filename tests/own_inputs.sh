#!/usr/bin/env bash
# No command overwrites what it reads: a file to write that is one of the command's inputs is refused before it begins.
#   own_inputs.sh CAIRN
set -uo pipefail
cairn=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() { echo "FAILED: $*" >&2; cat log >&2; exit 1; }
# refused "part of the message" OPTION FILE ARGUMENTS…: `cairn ARGUMENTS… OPTION FILE` is wrong use, and all files stay.
refused() {
  local why=$1 option=$2 file=$3; shift 3
  "$cairn" "$@" "$option" "$file" >log 2>&1
  local got=$?
  [ $got = 2 ] || fail "exit code $got, not 2: cairn $* $option $file"
  grep -qF -- "$option: $file would be overwritten: it $why; choose another" log || fail "no '$why': cairn $* $option $file"
  sha256sum --quiet -c ../sums >>log 2>&1 || fail "an input has changed: cairn $* $option $file"
}

mkdir -p all && cd all
mkdir -p queries index data/train data/test run photos
for folder in queries index; do
  for file in embeddings.npy ids.txt meta.json skipped.csv search.cairn graph.cairn neighbours.cairn nearest.cairn; do
    echo "$folder $file" >$folder/$file
  done
done
for file in labels.csv more.csv list.csv detections.csv solution.csv categories.csv model.onnx curves.csv photos/a.JPG \
  data/train/train.csv data/test/recognition_solution_v2.1.csv run/retrieval.csv run/notes.csv; do echo "$file" >"$file"; done
find . -type f -exec sha256sum {} + >../sums
ln -s labels.csv link.csv
ln -s index linked

search=(search --queries queries --index index)
recognize=(recognize --queries queries --references index --labels labels.csv)
retrieve=(retrieve --queries queries --index index)
for file in embeddings.npy ids.txt meta.json skipped.csv search.cairn graph.cairn neighbours.cairn nearest.cairn; do
  refused "belongs to index, given as --index" --out index/$file "${search[@]}"
done
refused "belongs to queries, given as --queries" --out ./queries/../queries/ids.txt "${search[@]}"
refused "belongs to index, given as --references" --out linked/embeddings.npy "${recognize[@]}"
refused "is given as --labels" --out labels.csv "${recognize[@]}"
refused "is given as --labels" --out link.csv "${recognize[@]}"
refused "is given as --labels" --out more.csv "${recognize[@]}" --labels more.csv
refused "is given as --detections" --out detections.csv "${recognize[@]}" --detections detections.csv
refused "is given as --tune" --out solution.csv "${recognize[@]}" --tune solution.csv
refused "belongs to run, given as --extra" --out run/ids.txt "${recognize[@]}" --extra run
refused "belongs to index, given as --index" --out index/neighbours.cairn "${retrieve[@]}"
refused "is given as --labels" --out "$PWD/labels.csv" "${retrieve[@]}" --labels labels.csv
refused "is given as --categories" --out categories.csv "${retrieve[@]}" --categories categories.csv
detect=(detect --model model.onnx --images)
refused "is given as --model" --out model.onnx "${detect[@]}" photos
refused "is given as --images" --out list.csv "${detect[@]}" list.csv
refused "is a photo" --out photos/a.JPG "${detect[@]}" photos
refused "belongs to data, given as --root" --out data/train/train.csv "${detect[@]}" list.csv --root data
report=(report --root data --run mine=run --curves mine=curves.csv)
refused "belongs to data, given as --root" --out data/test/recognition_solution_v2.1.csv "${report[@]}"
refused "belongs to run, given as --run" --out run/retrieval.csv "${report[@]}"
refused "is given as --curves" --out curves.csv "${report[@]}"
quantize=(model quantize model.onnx --images photos)
refused "is given as model" --out model.onnx "${quantize[@]}"
refused "is given as model" --report model.onnx "${quantize[@]}" --out new.onnx
refused "is given as --report" --out new.onnx "${quantize[@]}" --report ./new.onnx
refused "is given as --images" --report list.csv model quantize model.onnx --images list.csv --out new.onnx
refused "is given as model" --out model.onnx model annotate model.onnx --size 96
"$cairn" embed --model model.onnx --images index/skipped.csv --root photos --force --out index >log 2>&1
[ $? = 2 ] && grep -qF 'index/skipped.csv would be overwritten: it is given as --images' log || fail "embed its own skipped.csv"

# What is no input may be replaced, wherever it lies; these fail later, of what the files hold.
for command in "search --queries run --index run" "recognize --queries run --references run --labels labels.csv" \
  "report --root data --run mine=run"; do
  "$cairn" $command --out run/notes.csv >log 2>&1
  [ $? = 1 ] || fail "$command: refused a file that is no input"
done
[ ! -e new.onnx ] || fail "a refused command wrote new.onnx"
echo "all checks passed"
