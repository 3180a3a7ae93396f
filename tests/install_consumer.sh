#!/usr/bin/env bash
# Installs the build, builds examples/ against the installed package with find_package(cairn), and runs the example:
# two equal photos have similarity 1, two different ones less.
#   install_consumer.sh BUILD SOURCE [SANITIZERS]      (those that the build was made with: the consumer needs them too)
set -euo pipefail
build=$1 source=$2 sanitizers=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >/dev/null
cmake -S "$source/examples" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release \
  ${sanitizers:+"-DCMAKE_CXX_FLAGS=-fsanitize=$sanitizers"} >"$work/configure.log" 2>&1 ||
  { cat "$work/configure.log"; exit 1; }
cmake --build "$work/consumer" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }

cairn="$work/prefix/bin/cairn"
"$cairn" synth --out "$work/world" --landmarks 2 --photos 6 --size 96 --seed 5 >/dev/null
"$work/prefix/bin/cairn-train" train --recipe "$source/configs/base.yaml" "data.root=$work/world" "out=$work/run" \
  schedule.epochs=0 size=64 >"$work/train.log" 2>&1 || { cat "$work/train.log"; exit 1; }
mapfile -t photos < <(find "$work/world/train" -name '*.jpg' | sort | head -2)
same=$("$work/consumer/similarity" "$work/run/model.onnx" "${photos[0]}" "${photos[0]}")
other=$("$work/consumer/similarity" "$work/run/model.onnx" "${photos[0]}" "${photos[1]}")
echo "same photo $same, another photo $other"
[ "$same" = 1.0000 ]
awk -v other="$other" 'BEGIN { exit !(other < 0.99999 && other > -1) }'
if "$work/consumer/similarity" "$work/run/model.onnx" "$work/none.jpg" "${photos[0]}" 2>"$work/error"; then exit 1; fi
grep -q none.jpg "$work/error"
