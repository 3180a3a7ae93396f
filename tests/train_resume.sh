#!/usr/bin/env bash
# Runs `cairn train` as a user would: kill -9 in the middle and again, two runs at once, wrong recipes.
#   train_resume.sh CAIRN SOURCE
set -uo pipefail
cairn=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
recipe=(--recipe "$2/configs/base.yaml" "data.root=$work/world" data.validation_fraction=0.2 size=32 batch=4 threads=1
  model.embedding_dim=16 schedule.epochs=3 schedule.warmup_epochs=0.5 checkpoint.steps=2)
cd "$work"

fail() { echo "FAILED: $*" >&2; [ -f log ] && tail -5 log >&2; exit 1; }
checkpoint() { stat -c '%i %y' broken/checkpoint.safetensors 2>/dev/null; }
# Runs in the background until the checkpoint is another one than before, and kills it. It is held meanwhile: on a busy
# machine it would be done before the second run has started.
run_and_kill() {
  local before
  before=$(checkpoint)
  "$cairn" train "${recipe[@]}" out=broken >log 2>&1 &
  local pid=$!
  while [ "$(checkpoint)" = "$before" ]; do
    kill -0 "$pid" 2>/dev/null || fail "the run ended before it could be killed"
    sleep 0.01
  done
  kill -STOP "$pid"
  "$cairn" train "${recipe[@]}" out=broken >second 2>&1
  [ $? = 1 ] && grep -q "in use" second || fail "a second run in the same folder was not refused: $(cat second)"
  kill -9 "$pid"
  wait "$pid" 2>/dev/null
  [ ! -e broken/model.onnx ] || fail "model.onnx exists after a kill in the middle"
}

"$cairn" synth --out world --landmarks 2 --photos 30 --size 48 --seed 5 --distractors 0 --nonlandmarks 2 \
  --test-nonlandmarks 2 >log 2>&1 || fail "synth"
"$cairn" train "${recipe[@]}" out=whole >log 2>&1 || fail "the unbroken run"
run_and_kill
run_and_kill
"$cairn" train "${recipe[@]}" out=broken >log 2>&1 || fail "the resumed run"
grep -q "going on after" log || fail "the third run did not resume"
for file in weights.safetensors best.safetensors model.onnx labels.csv; do
  cmp "whole/$file" "broken/$file" || fail "$file differs"
done

# SIGTERM: a checkpoint in the middle of an epoch, and one line that says so.
rm log  # the run before says the same
"$cairn" train "${recipe[@]}" out=asked checkpoint.steps=0 >log 2>&1 &
pid=$!
until grep -qs "photos an epoch" log; do kill -0 "$pid" 2>/dev/null || fail "the run ended early"; sleep 0.01; done
kill -TERM "$pid"
wait "$pid"
[ $? = 1 ] && tail -1 log | grep -q "stopped in epoch 1, after batch .*the same command goes on" || fail "SIGTERM: $(tail -1 log)"
[ -s asked/checkpoint.safetensors ] && [ ! -e asked/model.onnx ] || fail "SIGTERM: no checkpoint"
"$cairn" train "${recipe[@]}" out=asked checkpoint.steps=0 >log 2>&1 || fail "the run after SIGTERM"
grep -q "going on after epoch 0, batch" log || fail "the run after SIGTERM did not go on"
cmp whole/weights.safetensors asked/weights.safetensors || fail "SIGTERM: other weights"

refused() {  # CODE TEXT ARGUMENTS…
  local code=$1 text=$2
  shift 2
  "$cairn" train "$@" >log 2>&1
  local got=$?
  [ $got = "$code" ] || fail "exit code $got, not $code: train $*"
  grep -q -e "$text" log || fail "no '$text' in the message of: train $*"
  [ "$code" != 1 ] || [ "$(wc -l <log)" = 1 ] || fail "more than one line: train $*"
}
refused 2 "recipe"
refused 1 "none.yaml" --recipe none.yaml out=x
refused 1 "optimiser.lr," "${recipe[@]}" out=x optimiser.lrr=1
refused 1 "schedule.epochs is 3 there and 4 here" "${recipe[@]}" out=broken schedule.epochs=4
refused 1 "nowhere" "${recipe[@]}" out=x data.root=nowhere
refused 0 "epochs: 3" "${recipe[@]}" out=x --dry-run
refused 0 "schedule.epochs=" --help
echo "killed twice, resumed to the same bytes"
