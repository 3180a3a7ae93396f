#!/usr/bin/env bash
# Makes models/starter.safetensors anew: a drawn world of 600 landmarks, distillation, and ArcFace.
#   scripts/starter.sh TEACHER.onnx       (MobileNetV2 trained on ImageNet; see configs/starter)
# docs/benchmarks.md says what it took. A stopped run goes on where it was.
set -euo pipefail
cd "$(dirname "$0")/.."
teacher=${1:?usage: scripts/starter.sh TEACHER.onnx}
out=build/starter
cairn=build/cairn
mkdir -p "$out"
[ -d "$out/world" ] || "$cairn" synth --out "$out/world" --landmarks 600 --photos 24 --seed 1001 \
  --distractors 0 --test-nonlandmarks 300 --nonlandmarks 900
"$cairn" train --recipe configs/starter/1_distill_64.yaml "distill.teacher=$teacher" "out=$out/1"
"$cairn" train --recipe configs/starter/2_distill_96.yaml "distill.teacher=$teacher" "out=$out/2"
"$cairn" train --recipe configs/starter/3_arcface_96.yaml "out=$out/3"
mkdir -p models
cp "$out/3/weights.safetensors" models/starter.safetensors
