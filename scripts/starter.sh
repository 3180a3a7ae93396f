#!/usr/bin/env bash
# Makes models/starter.safetensors anew: a drawn world of 300 landmarks, and distillation.
#   scripts/starter.sh TEACHER.onnx       (MobileNetV2 trained on ImageNet; see configs/starter.yaml)
# docs/benchmarks.md says what it took. A stopped run goes on where it was.
set -euo pipefail
cd "$(dirname "$0")/.."
teacher=${1:?usage: scripts/starter.sh TEACHER.onnx}
out=build/starter
cairn=build/cairn
mkdir -p "$out"
[ -d "$out/world" ] || "$cairn" synth --out "$out/world" --landmarks 300 --photos 20 --seed 1001 \
  --distractors 0 --test-nonlandmarks 50 --nonlandmarks 50
"$cairn" train --recipe configs/starter.yaml "distill.teacher=$teacher" "out=$out/run"
mkdir -p models
cp "$out/run/weights.safetensors" models/starter.safetensors
