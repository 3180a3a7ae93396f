#!/usr/bin/env bash
# Installs the Debian 12 packages that Cairn needs; the one place that lists them.
#   scripts/setup.sh [runtime|train|test|tools|bench|peers]…    (default: runtime train test)
# Only what is missing is installed. Needs root (or sudo) only when something is missing.
set -euo pipefail

runtime=(
  build-essential cmake ninja-build ccache git pkg-config
  libdnnl-dev libonnx-dev libprotobuf-dev protobuf-compiler
  libjpeg62-turbo-dev libpng-dev libwebp-dev libheif-dev zlib1g-dev
  libopencv-core-dev libopencv-imgproc-dev libhwy-dev libxxhash-dev libhnswlib-dev
  nlohmann-json3-dev libyaml-cpp-dev libspdlog-dev libfmt-dev libcli11-dev
  libssl-dev
)
train=(libtorch-dev libgloo-dev)
# Benchmark programs are compiled along with the tests, so that they keep compiling.
test=(libgtest-dev libbenchmark-dev libopencv-imgcodecs-dev libonnx-testdata clang-format python3-torch)
# For `make fuzz` and `make lint`.
tools=(clang clang-tidy libclang-rt-14-dev libomp-dev)
bench=(libbenchmark-dev nodejs npm)
# The peers of networks, of training, and of search (OpenBLAS: faiss multiplies by it).
peers=(python3-torch python3-torchvision python3-onnx python3-opencv libfaiss-dev libopenblas-dev libhnswlib-dev)

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(runtime train test)
wanted=()
for group in "${groups[@]}"; do
  case "$group" in
    runtime) wanted+=("${runtime[@]}") ;;
    train) wanted+=("${train[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    tools) wanted+=("${tools[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    peers) wanted+=("${peers[@]}") ;;
    *) echo "setup.sh: unknown group '$group' (runtime, train, test, tools, bench, peers)" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  # A Node.js that came another way is as good as Debian's.
  case "$package" in nodejs | npm) if command -v "${package/nodejs/node}" >/dev/null; then continue; fi ;; esac
  status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing: ${missing[*]}"
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
