#!/usr/bin/env bash
# Runs `cairn embed` as a user would: broken photos, Ctrl-C, kill -9, a full disk, two at once.
#   cli_embed.sh CAIRN EMBED_FIXTURE
set -uo pipefail
work=$(mktemp -d)
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
cp "$1" "$work/cairn" && "$2" "$work" || exit 1
cd "$work"
chmod 755 . cairn

fail() { echo "FAILED: $*" >&2; [ -f log ] && tail -5 log >&2; exit 1; }
same() { for f in embeddings.npy ids.txt meta.json skipped.csv; do cmp "$1/$f" "$2/$f" || fail "$1/$f differs from $2/$f"; done; }
no_result() { for f in embeddings.npy ids.txt meta.json skipped.csv; do [ ! -e "$1/$f" ] || fail "$1/$f exists"; done; }
rows() { tail -n +2 "$1/skipped.csv" | wc -l; }
# Waits until a run with that process id has finished a chunk, and holds it there: a busy machine would let it end before
# what the test does next.
hold_after_a_part() {
  for _ in $(seq 2000); do
    [ "$(ls "$2/.parts" 2>/dev/null | grep -c 'part$')" -ge 1 ] && { kill -STOP "$1"; return; }
    kill -0 "$1" 2>/dev/null || fail "the run ended before it could be interrupted"
    sleep 0.01
  done
  fail "no finished chunk in $2"
}

# One good photo and twenty broken ones.
mkdir photos
bytes=$(stat -c %s good.jpg)
cp good.jpg photos/good.jpg
for tenth in 1 2 3 4 5 6 7 8 9; do head -c $((bytes * tenth / 10)) good.jpg > "photos/cut_${tenth}0.jpg"; done
: > photos/empty.jpg
echo "This is not a photo." > photos/text.jpg
cp huge.jpg photos/huge.jpg
cp tiny.onnx photos/wrong_ending.png
printf 'GIF89a\001\000\001\000' > photos/wrong_kind.jpg
cp good.jpg photos/unreadable.jpg && chmod 000 photos/unreadable.jpg
ln -s nowhere.jpg photos/dangling.jpg
ln -s loop.jpg photos/loop.jpg
mkfifo photos/pipe.jpg
head -c 5000 /dev/zero > photos/zeros.heic
printf 'RIFF\377\377\377\377WEBPVP8 \377\377\377\377' > photos/claims.webp
# Root reads everything, so that root asks somebody else to look.
as_user=()
if [ "$(id -u)" = 0 ]; then
  as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  mkdir user && chown 65534 user
else
  mkdir user
fi
chmod 644 tiny.onnx
"${as_user[@]}" ./cairn embed --model tiny.onnx --images photos --out user/emb > out 2> log || fail "broken photos ended the run"
[ "$(cat user/emb/ids.txt)" = good ] || fail "ids.txt is $(cat user/emb/ids.txt)"
[ "$(rows user/emb)" = 20 ] || fail "$(rows user/emb) rows in skipped.csv, not 20: $(cat user/emb/skipped.csv)"
grep -Eq '^[^,]+,.*[a-z].*' <(tail -n +2 user/emb/skipped.csv) || fail "no reasons"
[ "$(tail -n +2 user/emb/skipped.csv | grep -cE '^[^,]+, *$')" = 0 ] || fail "a photo was skipped without a reason"
grep -q '^unreadable,.*Permission denied' user/emb/skipped.csv || fail "unreadable.jpg: $(grep unreadable user/emb/skipped.csv)"
tail -n +2 user/emb/skipped.csv | LC_ALL=C sort -c -t, -k1,1 || fail "skipped.csv is not in id order"
[ ! -s out ] || fail "stdout is not empty"

"${as_user[@]}" ./cairn embed --model tiny.onnx --images photos --out user/strict --strict 2> log
[ $? = 1 ] || fail "--strict with broken photos: not exit code 1"
same user/emb user/strict
grep -q 'skipped cut_50: ' log || fail "--strict does not list the photos"

# Many embeddings of one photo make a long run.
{ echo id,path; for i in $(seq 10000 11999); do echo "p$i,good.jpg"; done; } > list.csv
./cairn embed --model tiny.onnx --images list.csv --out whole --json > summary.json 2> log || fail "a list of photos"
grep -q '"embedded": 2000' summary.json || fail "--json: $(cat summary.json)"

./cairn embed --model tiny.onnx --images list.csv --out killed 2> log &
run=$!
hold_after_a_part $run killed
./cairn embed --model tiny.onnx --images list.csv --out killed --resume 2> second.log && fail "two runs share a folder"
grep -q 'in use by another' second.log || fail "two runs in one folder: $(cat second.log)"
kill -9 $run; wait $run 2> /dev/null
no_result killed
./cairn embed --model tiny.onnx --images list.csv --out killed 2> log
[ $? = 1 ] || fail "an unfinished run was overwritten unasked"
./cairn embed --model tiny.onnx --images list.csv --out killed --size 64 --resume 2> log
[ $? = 1 ] && grep -q 'another size' log || fail "resumed with another size"
./cairn embed --model tiny.onnx --images list.csv --out killed --resume --threads 1 --json > summary.json 2> log || fail "--resume after kill -9"
[ "$(grep -oE '"resumed": [0-9]+' summary.json | grep -oE '[0-9]+')" -ge 512 ] || fail "finished chunks were not taken over: $(cat summary.json)"
same whole killed

# Ctrl-C.
./cairn embed --model tiny.onnx --images list.csv --out stopped 2> log &
run=$!
hold_after_a_part $run stopped
kill -INT $run; kill -CONT $run; wait $run
[ $? = 1 ] || fail "a stopped run: not exit code 1"
grep -q -- '--resume' log || fail "a stopped run does not say how to go on"
no_result stopped
./cairn embed --model tiny.onnx --images list.csv --out stopped --resume 2> log || fail "--resume after a stop"
same whole stopped

# A file size limit stands for a full disk: 16 KB fails in the first chunk, 64 KB in the result.
for limit in 16 64; do
  (trap '' XFSZ; ulimit -f $limit; exec ./cairn embed --model tiny.onnx --images list.csv --out full$limit) 2> log
  [ $? = 1 ] || fail "a full disk ($limit KB): not exit code 1"
  grep -q 'cannot write' log || fail "a full disk ($limit KB): no clear error"
  no_result full$limit
  ./cairn embed --model tiny.onnx --images list.csv --out full$limit --resume 2> log || fail "--resume after a full disk"
  same whole full$limit
done

# What model annotate writes is used without options, and gives the same embeddings.
./cairn model annotate tiny.onnx --out big.onnx --size 160 2> log || fail "model annotate"
./cairn model info big.onnx --json | grep -q '"cairn.input_size": "160"' || fail "model info after annotate"
./cairn embed --model big.onnx --images photos/good.jpg --out e 2> log && fail "a photo is no folder"
mkdir one && cp good.jpg one/
./cairn embed --model big.onnx --images one --out annotated 2> log || fail "embed with an annotated model"
./cairn embed --model tiny.onnx --images one --out option --size 160 2> log || fail "embed with --size"
cmp annotated/embeddings.npy option/embeddings.npy || fail "annotate and --size differ"

# A benchmark of the same way, over the photos that can be read.
cp photos/text.jpg one/broken.jpg
./cairn bench photos --model tiny.onnx --images one --precision f32 --rounds 1 --json > out 2> log || fail "bench photos"
grep -q '"photos": 1,' out && grep -q '"ratio": 0\.[0-9]' out || fail "bench photos printed $(cat out)"
rm one/good.jpg
./cairn bench photos --model tiny.onnx --images one 2> log; [ $? = 1 ] || fail "bench photos without photos: not exit code 1"

# A precision beside itself is as fast, in the first counted round too (any of five, for the machine is busy).
ratio() { ./cairn bench embed --model tiny.onnx --precision f32,f32 --rounds 1 2> log | awk 'NR == 2 {print ($NF > 0.5 && $NF < 2)}'; }
[ "$(for i in 1 2 3 4 5; do ratio; done | grep -c 1)" -ge 1 ] || fail "bench embed: f32 is faster than f32"
./cairn bench embed --model tiny.onnx --precision f32 --rounds 1 --profile --steps 1 --json > out 2> log || fail "bench embed --profile"
for key in images_per_second flops_per_second map_bytes kinds roofline_seconds; do
  grep -q "\"$key\":" out || fail "bench embed --profile --json has no $key: $(cat out)"
done
[ "$(grep -c '"step":' out)" = 1 ] || fail "bench embed --steps 1 --json lists $(grep -c '"step":' out) steps"
./cairn bench embed --model tiny.onnx --steps 1 2> log; [ $? = 2 ] || fail "--steps without --profile: not exit code 2"

# Wrong use.
./cairn embed --model tiny.onnx --images one 2> log; [ $? = 2 ] || fail "no --out: not exit code 2"
./cairn embed --model tiny.onnx --images one --out x --mean 1,b 2> log; [ $? = 2 ] || fail "--mean 1,b: not exit code 2"
./cairn embed --model tiny.onnx --images one --out x --mean 1,2 2> log; [ $? = 1 ] || fail "--mean 1,2: not exit code 1"
./cairn embed --model good.jpg --images one --out x 2> log; [ $? = 1 ] || fail "a photo as model: not exit code 1"
[ "$(wc -l < log)" = 1 ] || fail "an error is one line"
echo "all checks passed"
