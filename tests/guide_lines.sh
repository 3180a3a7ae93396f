#!/usr/bin/env bash
# The lines of docs/guide.md from "Embed" on run one after the other as they are written, on a small drawn world and with a
# tiny model.   guide_lines.sh CAIRN EMBED_FIXTURE SOURCE
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" "$work" || exit 1
cd "$work"

fail() { echo "FAILED: $*" >&2; tail -5 log >&2; exit 1; }
cairn=$1
cairn() { "$cairn" "$@"; }
srun() {  # --ntasks N COMMAND…
  local count=$2; shift 2
  for ((i = 0; i < count; ++i)); do SLURM_PROCID=$i SLURM_NTASKS=$count "$@" || return; done
}
# In place of what needs downloads, and of what is only sketched.
left_out='…|model import|yolov5n|gnd_roxford5k'

cairn synth --out world --landmarks 3 --photos 12 --size 96 >log 2>&1 || fail "synth"
mkdir run && cp tiny.onnx run/model.onnx && cp tiny.onnx mobilenet.onnx
section=$(sed -n '/^## 4\. Embed/,$p' "$3/docs/guide.md" | sed -n 's/^    //p' | grep -vE "$left_out")
lines=$(sed -n 's/^    \(mv world\)/\1/p' "$3/docs/guide.md"; grep -E '^(cairn|srun) ' <<<"$section")
[ "$(wc -l <<<"$lines")" -ge 15 ] || fail "the guide has only $(wc -l <<<"$lines") lines to run"
while IFS= read -r line; do
  eval "$line" >log 2>&1 </dev/null || fail "$line"
done <<<"$lines"
echo "$(wc -l <<<"$lines") lines of the guide ran"
