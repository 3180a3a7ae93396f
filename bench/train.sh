#!/usr/bin/env bash
# Training throughput beside its peer, alternating: Cairn's EfficientNet-B0 step against torchvision's in Python.
#   bench/train.sh [ROUNDS] [SIZE] [BATCH]      (default 3 224 16; installs Debian's python3-torch and -torchvision)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
rounds=${1:-3} size=${2:-224} batch=${3:-16}
"$root/scripts/setup.sh" runtime train test bench peers
(cd "$root" && cmake --preset release >/dev/null && cmake --build build/release --target train_bench >/dev/null)
export OMP_NUM_THREADS=2
for round in $(seq "$rounds"); do
  echo "round $round"
  "$root/build/release/bench/train_bench" "$size" "$batch"
  /usr/bin/python3 "$root/bench/peers/torch_train.py" "$size" "$batch"
  /usr/bin/python3 "$root/bench/peers/torch_train.py" "$size" "$batch" 1000 12 f32 channels_last
done
