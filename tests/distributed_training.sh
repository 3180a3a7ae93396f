#!/usr/bin/env bash
# Trains by several processes as a user would: as many weights as one process, a rank killed in the
# middle, going on with another number of ranks, ranks that disagree, Ctrl-C.
#   distributed_training.sh CAIRN SOURCE COMPARE
set -uo pipefail
cairn=$1
compare=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
recipe=(--recipe "$2/configs/base.yaml" "data.root=$work/world" data.validation_fraction=0.2 size=32 batch=4 threads=1
  model.backbone=resnet18 model.embedding_dim=16 optimiser.type=sgd optimiser.lr=0.02 model.freeze_batch_norms=true head.scale=8 head.margin=0.1
  head.split=true schedule.epochs=3 schedule.warmup_epochs=0.5 checkpoint.steps=2 distributed.timeout=60)
cd "$work"

fail() { echo "FAILED: $*" >&2; [ -f log ] && tail -8 log >&2; exit 1; }
same() { "$compare" "whole/weights.safetensors" "$1/weights.safetensors" 1e-5 || fail "$1: other weights than one process"; }
checkpoint() { stat -c '%i %y' "$1/checkpoint.safetensors" 2>/dev/null; }
# Waits until the checkpoint is another one than before.
wait_for_checkpoint() {  # OUT BEFORE
  for _ in $(seq 3000); do
    [ "$(checkpoint "$1")" = "$2" ] || return 0
    sleep 0.02
  done
  fail "no new checkpoint in $1"
}
rank_process() { pgrep -P "$1" | sort -n | sed -n "$(($2 + 1))p"; }

"$cairn" synth --out world --landmarks 3 --photos 10 --size 48 --seed 5 --distractors 0 --nonlandmarks 2 \
  --test-nonlandmarks 2 >log 2>&1 || fail "synth"
"$cairn" train "${recipe[@]}" out=whole >log 2>&1 || fail "one process"
"$cairn" train --processes 2 "${recipe[@]}" out=two >log 2>&1 || fail "two processes"
same two
for file in model.onnx labels.csv curves.csv checkpoint.safetensors; do [ -s "two/$file" ] || fail "no two/$file"; done

# Each rank in turn is lost; the rest ends soon, with an error that names it. Then the job goes on with two, then with one.
for lost in 1 0; do
  before=$(checkpoint broken)
  "$cairn" train --processes 2 "${recipe[@]}" out=broken >log 2>&1 &
  job=$!
  wait_for_checkpoint broken "$before"
  kill -9 "$(rank_process "$job" "$lost")" || fail "rank $lost had ended"
  SECONDS=0
  wait "$job"
  code=$?
  [ $code = 1 ] || fail "exit code $code, not 1, after rank $lost was lost"
  [ $SECONDS -lt 30 ] || fail "the job ended only $SECONDS s after rank $lost was lost"
  grep -q "rank $lost of 2 was killed by signal 9" log || fail "the launcher does not name rank $lost"
  grep -q "rank $((1 - lost)): rank $lost of 2 is lost" log || fail "the other rank does not name rank $lost"
  [ ! -e broken/model.onnx ] || fail "model.onnx exists after a rank was lost"
done
cp -r broken broken_one
"$cairn" train --processes 2 "${recipe[@]}" out=broken >log 2>&1 || fail "going on with two"
grep -q "going on after" log || fail "two ranks did not resume"
same broken
"$cairn" train "${recipe[@]}" out=broken_one >log 2>&1 || fail "going on with one"
grep -q "going on after" log || fail "one rank did not resume"
same broken_one

# A signal to the launcher alone ends all.
"$cairn" train --processes 2 "${recipe[@]}" out=interrupted schedule.epochs=50 >log 2>&1 &
job=$!
wait_for_checkpoint interrupted ""
ranks=$(pgrep -P "$job")
kill -TERM "$job"
wait "$job"
[ $? = 1 ] || fail "an interrupted job did not end with code 1"
grep -q "stopped in epoch .*the same command goes on" log || fail "an interrupted job says nothing"
for pid in $ranks; do kill -0 "$pid" 2>/dev/null && fail "process $pid outlived the job"; done

# Ranks by the environment, as torchrun sets it; they must agree.
export MASTER_ADDR=127.0.0.1 MASTER_PORT=$((20000 + RANDOM % 12000)) WORLD_SIZE=2
RANK=1 "$cairn" train "${recipe[@]}" out=odd optimiser.lr=0.5 >other 2>&1 &
RANK=0 "$cairn" train "${recipe[@]}" out=odd >log 2>&1
[ $? = 1 ] && grep -q "rank 1 has another recipe than rank 0" log || fail "another recipe on rank 1 was not refused"
wait $! && fail "rank 1 with another recipe ended well"
RANK=0 "$cairn" train "${recipe[@]}" out=odd distributed.timeout=2 >log 2>&1
[ $? = 1 ] && grep -q "did not meet at 127.0.0.1" log || fail "a missing rank is no clear error"
[ "$(grep -vc '^info:' log)" = 1 ] || fail "a missing rank takes more than one line"
MASTER_ADDR=no.such.host RANK=1 "$cairn" train "${recipe[@]}" out=odd distributed.timeout=2 >log 2>&1
[ $? = 1 ] && [ "$(grep -vc '^info:' log)" = 1 ] || fail "an unknown host takes more than one line"
RANK=2 "$cairn" train "${recipe[@]}" out=odd >log 2>&1
[ $? = 1 ] && grep -q "RANK=2" log || fail "an impossible rank is no clear error"
RANK=0 "$cairn" train --processes 2 "${recipe[@]}" out=odd >log 2>&1
[ $? = 1 ] && grep -q "the environment already makes this process one of several" log || fail "--processes inside a job is no clear error"
echo "two processes, lost ranks, another number of ranks: the weights of one process"
