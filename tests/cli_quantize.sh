#!/usr/bin/env bash
# Runs `cairn model quantize` as a user would: few and broken photos, wrong models and outputs, a full disk, Ctrl-C.
#   cli_quantize.sh CAIRN EMBED_FIXTURE
set -uo pipefail
cairn=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" "$work" || exit 1
cd "$work"

fail() { echo "FAILED: $*" >&2; [ -f log ] && tail -5 log >&2; exit 1; }
refused() {  # CODE TEXT ARGUMENTS…
  local code=$1 text=$2
  shift 2
  "$cairn" model quantize "$@" >out 2>log
  local got=$?
  [ $got = "$code" ] || fail "exit code $got, not $code: model quantize $*"
  grep -q -e "$text" log || fail "no '$text' in the message of: model quantize $*"
}
quantize=(model quantize tiny.onnx --images photos)

mkdir photos bad
cp good.jpg photos/ && head -c 500 good.jpg >photos/cut.jpg && echo text >bad/text.jpg
"$cairn" "${quantize[@]}" --out new/int8.onnx --report layers.json >table 2>log || fail "one good photo"
grep -q 'passed over photos/cut.jpg' log || fail "a broken photo is not named"
grep -q 'ranges of only 1 photo:' log || fail "no word about few photos"
grep -q 'new/int8.onnx: 1 of 1 convolution in int8' log && grep -q '^edges  *int8' table || fail "no table: $(cat table)"
grep -q '"calibration_photos": 1,' layers.json && grep -q '"name": "edges"' layers.json || fail "--report: $(cat layers.json)"
"$cairn" "${quantize[@]}" --out again.onnx >/dev/null 2>&1
cmp new/int8.onnx again.onnx || fail "the same photos and options gave another file"
# The result is a model as any other, with the metadata of the first.
"$cairn" embed --model again.onnx --images photos --out emb 2>log || fail "embed with the 8-bit model"
"$cairn" model info again.onnx --json | grep -q '"cairn.input_size": "96"' || fail "metadata are lost"

"$cairn" model info again.onnx >info
grep -q '^parameters  *448 (float32 16, int8 432)$' info || fail "8-bit weights and biases are not counted: $(grep ^par info)"
"$cairn" model info again.onnx --json | grep -q '"int8": 432' || fail "model info --json hides 8-bit weights"
refused 1 "is quantised already" again.onnx --images photos --out x.onnx
refused 1 "none of 1 photo can be read" tiny.onnx --images bad --out x.onnx
refused 1 "is a folder" tiny.onnx --images photos --out photos
refused 2 "none.onnx" none.onnx --images photos --out x.onnx
refused 2 "calibration" tiny.onnx --images photos --out x.onnx --calibration guess
refused 2 "out is required" tiny.onnx --images photos
(trap '' XFSZ; ulimit -f 1; exec "$cairn" "${quantize[@]}" --out x.onnx) >out 2>log
[ $? = 1 ] && grep -q 'cannot write' log || fail "a full disk: no clear error"

# Ctrl-C leaves nothing.
{ echo id,path; for i in $(seq 10000 29999); do echo "p$i,good.jpg"; done; } >list.csv
"$cairn" model quantize tiny.onnx --images list.csv --photos 20000 --threads 1 --out x.onnx >out 2>log &
run=$!
caught() { echo $((0x$(awk '/^SigCgt/ {print $2}' "/proc/$1/status") & 2)); }  # 2: the bit of SIGINT
until [ "$(caught $run)" = 2 ]; do kill -0 $run 2>/dev/null || fail "the run ended before it could be stopped"; sleep 0.01; done
kill -INT $run
wait $run
[ $? = 1 ] || fail "a stopped run: not exit code 1"
[ ! -e x.onnx ] || fail "a run that failed left a model"
echo "all checks passed"
