#!/usr/bin/env bash
# Post-processing on real photos: thresholds tuned on the Public half must not lower the Private GAP.
#   real_post_processing.sh CAIRN
set -uo pipefail
cairn=$1
shared=${CAIRN_SHARED_DIR:?}
photos=$shared/data/landmarks
for needed in "$photos" "$shared/models/mobilenet_v2_imagenet.onnx" "$shared/models/yolov5n.onnx"; do
  [ -e "$needed" ] || { echo "skipped: $needed is not there"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*" >&2; [ -f log ] && tail -5 log >&2; exit 1; }

for part in train test nonlandmark; do
  "$cairn" embed --model "$shared/models/mobilenet_v2_imagenet.onnx" --size 224 --mean 127.5 --std 127.5 --precision f32 \
    --output embedding --images "$photos/$part" --out "$part" >log 2>&1 || fail "embed $part"
done
"$cairn" detect --model "$shared/models/yolov5n.onnx" --images "$photos/test" --out detections.csv >log 2>&1 || fail "detect"
[ "$(cut -d, -f1 detections.csv | tail -n +2 | sort -u | wc -l)" = 456 ] || fail "detections.csv does not name 456 photos"

plain=(recognize --queries test --references train --labels "$photos/train/train.csv")
solution=$photos/test/recognition_solution_v2.1.csv
"$cairn" "${plain[@]}" --nonlandmarks nonlandmark --detections detections.csv --tune "$solution" --out tuned.csv \
  >table 2>log || fail "tune"
cat table
gap() { awk -v name="$1" 'index($0, name) == 1 {sub(name, ""); print $2}' table; }
awk -v none="$(gap none)" -v all="$(gap all)" 'BEGIN {exit !(none > 0.9 && all >= none)}' ||
  fail "the Private GAP fell from $(gap none) to $(gap all)"

# The chosen options, given by hand, answer the same.
read -r -a chosen <<<"$(sed -n 's/^chosen: //p' table)"
"$cairn" "${plain[@]}" --nonlandmarks nonlandmark "${chosen[@]}" --out again.csv >log 2>&1 || fail "chosen options"
case " ${chosen[*]} " in *max-box-area*) ;; *) cmp tuned.csv again.csv || fail "the chosen options answer otherwise" ;; esac

# One model twice is that model: the votes double, the names stay.
"$cairn" "${plain[@]}" --out once.csv >log 2>&1 || fail "plain"
"$cairn" "${plain[@]}" --queries test --references train --out twice.csv >log 2>&1 || fail "two models"
cmp <(sed 's/ .*//' once.csv) <(sed 's/ .*//' twice.csv) || fail "the same model twice names other landmarks"

"$cairn" "${plain[@]}" --detections detections.csv --max-per-landmark 20 --out limited.csv >log 2>&1 || fail "filters"
[ "$(grep -c ',$' limited.csv)" -gt "$(grep -c ',$' once.csv)" ] || fail "the filters rejected nothing"

refused() {
  local text=$1
  shift
  "$cairn" "${plain[@]}" "$@" --out no.csv >log 2>&1
  [ $? = 1 ] && grep -q -e "$text" log && [ ! -e no.csv ] || fail "not refused with '$text': $*"
}
refused "give each once for every model" --queries test
printf 'id,width,height,class,confidence,x1,y1,x2,y2\na,1,1,x,,,,,\n' >bad.csv
refused "bad.csv:2: class 'x' is no number" --detections bad.csv
refused "is among the references too" --extra train
echo "tuned post-processing: Private GAP $(gap none) -> $(gap all)"
