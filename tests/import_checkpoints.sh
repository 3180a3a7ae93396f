#!/usr/bin/env bash
# `cairn model import` on checkpoints that PyTorch wrote: every network, both formats, golden weights, wrong files.
#   import_checkpoints.sh CAIRN IMPORT_FIXTURE SOURCE
set -uo pipefail
cairn=$1
fixture=$2
python=/usr/bin/python3
writer=$3/tests/import_checkpoints.py
"$python" -c 'import torch, numpy' 2>/dev/null || { echo "skipped: $python has no torch (Debian's python3-torch)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_NUM_THREADS=1

fail() { echo "FAILED: $*" >&2; [ -f log ] && tail -5 log >&2; exit 1; }
import() { "$cairn" model import "$@" >log 2>err; }
report() { "$python" -c 'import json,sys; print(json.load(open("log"))'"$1"')'; }

# Every network loads what PyTorch wrote, number for number.
"$fixture" keys >keys.json && "$python" "$writer" layouts keys.json . >networks || fail "no checkpoints"
while read -r arch; do
  base=${arch//\//__}
  "$fixture" check "$arch" "$base.json" "$base.zip.pth" "$base.legacy.pth" 2>log || fail "$arch"
done <networks
echo "$(wc -l <networks) networks, zip and legacy"
[ "$(wc -l <networks)" -ge 20 ] || fail "too few networks"

# What is missing, unexpected or of another shape is said, and nothing is written.
small=torchvision__resnet18.zip.pth
import --arch torchvision/resnet18 --checkpoint "$small" --out r18.onnx || fail "resnet18: $(cat err)"
"$cairn" model info r18.onnx >log || fail "model info"
grep -q "cairn.std = 58.395,57.12,57.375" log && grep -q "cairn.output = features" log || fail "metadata"
"$python" - <<'END' || fail "no edited checkpoint"
import torch
state = torch.load("torchvision__resnet18.zip.pth")
state["fc.weight"] = torch.zeros(1000, 512)
torch.save(state, "fc.pth")
state["surplus"] = state.pop("conv1.weight")
state["bn1.weight"] = torch.zeros(32)
torch.save({"ema": state, "step": 3}, "edited.pth")
torch.save({"a": state, "b": state}, "two.pth")
END
import --arch torchvision/resnet18 --checkpoint fc.pth --out fc.onnx || fail "an ImageNet classifier: $(cat err)"
cmp r18.onnx fc.onnx || fail "an ImageNet classifier changes the model"
import --arch torchvision/resnet18 --checkpoint edited.pth --out edited.onnx --json && fail "edited.pth was accepted"
[ $? = 1 ] && grep -q "^cairn model import: edited.pth: does not fit torchvision/resnet18" err || fail "$(cat err)"
[ ! -e edited.onnx ] || fail "edited.onnx was written"
[ "$(report '["missing"]')" = "['conv1.weight']" ] || fail "missing"
[ "$(report '["unexpected"]')" = "['surplus']" ] || fail "unexpected"
[ "$(report '["mis_shaped"]')" = "['bn1.weight: 32 in the file, 64 in the network']" ] || fail "mis-shaped"
[ "$(report '["key"]')" = "ema" ] || fail "key"
import --arch torchvision/resnet18 --checkpoint edited.pth --out edited.onnx --lenient || fail "--lenient: $(cat err)"
[ -e edited.onnx ] || fail "--lenient wrote nothing"
import --arch torchvision/resnet18 --checkpoint two.pth --out x.onnx && fail "two state dicts"
grep -q "say with --key which entry to take" err || fail "$(cat err)"
import --arch torchvision/resnet18 --checkpoint two.pth --key b --lenient --out x.onnx || fail "--key: $(cat err)"
import --arch resnet19 --checkpoint fc.pth --out x.onnx && fail "resnet19"
import --arch torchvision/resnet50 --checkpoint missing.pth --out x.onnx && fail "missing.pth"
for option in --out --weights-out; do
  import --arch torchvision/resnet18 --checkpoint fc.pth $option ./fc.pth && fail "a checkpoint was overwritten"
  grep -qF -- "$option: ./fc.pth would be overwritten: it is given as --checkpoint" err || fail "$(cat err)"
done
import --arch torchvision/resnet18 --checkpoint fc.pth && fail "nothing to write"

# A classifier of another size keeps the rows that it has.
"$python" - <<'END' || fail "no classifier"
import torch
state = torch.load("models__wz_resnet50.zip.pth")
state["classifier.weight"] = torch.arange(7 * 512).reshape(7, 512).float()
torch.save(state, "head.pth")
END
import --arch models/wz_resnet50 --checkpoint head.pth --classes 11 --weights-out start.safetensors --json ||
  fail "--classes: $(cat err)"
[ "$(report '["head"]')" = "{'rows': 7, 'wanted': 11, 'kept': 7}" ] || fail "head $(report '["head"]')"
"$python" - <<'END' || fail "the classifier's rows"
import json, struct
data = open("start.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
entry = json.loads(data[8:8 + size])["head.weight"]
begin, end = (8 + size + at for at in entry["data_offsets"])
rows = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
assert entry["shape"] == [11, 512] and rows[:7 * 512] == tuple(range(7 * 512)), entry
assert all(0 < abs(x) < 0.2 for x in rows[7 * 512:7 * 512 + 50]), rows[-9:]
END

import --arch models/wz_resnet50 --checkpoint start.safetensors --out x.onnx || fail "weights with head.weight: $(cat err)"
rm x.onnx

# What no reader could use is refused, and a network that Cairn trained imports as it is.
"$python" "$writer" nan nan.pth || fail "no file with NaN"
import --arch torchvision/resnet18 --checkpoint nan.pth --lenient --out x.onnx && fail "NaN was accepted"
grep -q "the tensor conv1.weight holds NaN" err || fail "nan.pth: $(cat err)"
for wrong in "--std 0" "--std 1,2" "--mean nan" "--std nan"; do
  import --arch torchvision/resnet18 --checkpoint nan.pth --out x.onnx $wrong && fail "$wrong was accepted"
  grep -q "one number or three" err || fail "$wrong: $(cat err)"
done
[ ! -e x.onnx ] || fail "a refused import left a model"

# Nothing of a hostile file is run.
"$python" "$writer" hostile hostile.pth || fail "no hostile file"
import --arch torchvision/resnet18 --checkpoint hostile.pth --out x.onnx && fail "hostile.pth was accepted"
grep -q "posix.system" err && [ ! -e hacked ] || fail "hostile.pth: $(cat err)"

# Golden weights, through PyTorch's file and the engine.
[ -d "$CAIRN_SHARED_DIR/golden" ] || { echo "golden weights: skipped, $CAIRN_SHARED_DIR/golden is not there"; exit 0; }
for case in models/wz_resnet101_ibn_a backbones/efficientnet-b0; do
  "$python" "$writer" golden "$case" "$CAIRN_SHARED_DIR" golden.pth || fail "$case: no checkpoint"
  import --arch "$case" --checkpoint golden.pth --out golden.onnx || fail "$case: $(cat err)"
  "$fixture" golden "$case" golden.onnx 2>log || fail "$case"
done
