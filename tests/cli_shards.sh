#!/usr/bin/env bash
# Sharded `cairn embed` and `cairn merge` as a job runs them: several processes, kill -9, a shared cache.
#   cli_shards.sh CAIRN EMBED_FIXTURE
set -uo pipefail
cairn=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" "$work" || exit 1
cd "$work"
unset RANK WORLD_SIZE SLURM_PROCID SLURM_NTASKS

fail() { echo "FAILED: $*" >&2; [ -f log ] && tail -5 log >&2; exit 1; }
same() { for f in embeddings.npy ids.txt meta.json skipped.csv; do cmp "$1/$f" "$2/$f" || fail "$1/$f differs from $2/$f"; done; }
refused() {  # CODE TEXT ARGUMENTS…
  local code=$1 text=$2
  shift 2
  "$cairn" "$@" >out 2>log
  local got=$?
  [ $got = "$code" ] || fail "exit code $got, not $code: $*"
  grep -q -e "$text" log || fail "no '$text' in the message of: $*"
  [ "$code" = 2 ] || [ "$(grep -vc 'shard . of' log)" = 1 ] || fail "an error is one line: $*"
}
number() { grep -oE "\"$1\": [0-9]+" summary.json | grep -oE '[0-9]+'; }

echo "not a photo" >broken.jpg
{ echo id,path; for i in $(seq 10000 10599); do echo "p$i,good.jpg"; done; echo p10300x,broken.jpg; } >list.csv
embed=(embed --model tiny.onnx --images list.csv --threads 1)
slow=("${embed[@]}" --size 512)  # three chunks a shard
"$cairn" "${slow[@]}" --out slow 2>log || fail "the run without shards"

# Three processes at once, as torchrun starts them; one is killed and started again.
pids=()
for rank in 0 1 2; do
  RANK=$rank WORLD_SIZE=3 "$cairn" "${slow[@]}" --out emb --resume 2>"log$rank" &
  pids+=($!)
done
for _ in $(seq 2000); do
  [ "$(ls emb/shard-1-of-3/.parts 2>/dev/null | grep -c 'part$')" -ge 1 ] && break
  kill -0 "${pids[1]}" 2>/dev/null || fail "shard 1 ended before it could be killed"
  sleep 0.01
done
kill -9 "${pids[1]}"
wait "${pids[0]}" || fail "shard 0: $(cat log0)"
wait "${pids[1]}" 2>/dev/null
wait "${pids[2]}" || fail "shard 2: $(cat log2)"
[ ! -e emb/shard-1-of-3/meta.json ] || fail "a killed shard has a result"
[ ! -e emb/embeddings.npy ] || fail "a result before the merge"
refused 1 "shard-1-of-3" merge emb
RANK=1 WORLD_SIZE=3 "$cairn" "${slow[@]}" --out emb --resume --json >summary.json 2>log || fail "the shard again"
[ "$(number resumed)" -ge 16 ] || fail "finished chunks were not taken over: $(cat summary.json)"
"$cairn" merge emb --json >summary.json 2>log || fail "merge"
[ "$(number folders)" = 3 ] && [ "$(number embedded)" = 600 ] && [ "$(number skipped)" = 1 ] ||
  fail "merge: $(cat summary.json)"
same slow emb
refused 1 "has meta.json already" merge emb
"$cairn" merge emb --force 2>log || fail "merge --force"
same slow emb

"$cairn" "${embed[@]}" --out whole 2>log || fail "another run without shards"
# Slurm's names; an explicit shard goes before the environment.
for rank in 0 1; do
  SLURM_PROCID=$rank SLURM_NTASKS=2 "$cairn" "${embed[@]}" --out slurm 2>log || fail "Slurm rank $rank"
done
"$cairn" merge slurm --out merged 2>log || fail "merge of Slurm's shards"
same whole merged
RANK=1 WORLD_SIZE=2 "$cairn" "${embed[@]}" --out all --shard 0/1 2>log || fail "--shard 0/1"
same whole all

# Wrong shards, and folders that do not belong together.
for wrong in 3/3 x/3 1 -1/3; do refused 1 "is no shard" "${embed[@]}" --out x "--shard=$wrong"; done
RANK=5 WORLD_SIZE=3 refused 1 "RANK=5" "${embed[@]}" --out x
RANK=0 refused 1 "WORLD_SIZE=(not set)" "${embed[@]}" --out x
"$cairn" "${embed[@]}" --out lonely --shard 1/4 2>log || fail "one shard of four"
refused 1 "shard 0/4 is missing" merge lonely
"$cairn" "${embed[@]}" --out larger --size 64 2>log || fail "another size"
refused 1 "another size" merge whole larger --out x
refused 1 "the id p10000 is in" merge whole all --out x
refused 1 "say with --out" merge whole all
refused 2 "folders" merge
[ ! -e x/meta.json ] || fail "a refused command left a result"

# A cache that two processes fill at once, and a killed one half; later runs read it.
"$cairn" "${embed[@]}" --out c0 --shard 0/2 --cache cache 2>log &
first=$!
"$cairn" "${embed[@]}" --out c0 --shard 1/2 --cache cache 2>log1 || fail "with a cache"
wait $first || fail "with a cache, the other process"
"$cairn" merge c0 2>log && same whole c0
"$cairn" "${embed[@]}" --out c1 --cache cache --json >summary.json 2>log || fail "from the cache"
[ "$(number cached)" = 600 ] || fail "not all from the cache: $(cat summary.json)"
same whole c1
for file in cache/*/*.rows; do head -c "$(stat -c %s "$file")" /dev/zero >zeros && mv zeros "$file"; done
"$cairn" "${embed[@]}" --out c2 --cache cache 2>log || fail "with a damaged cache"
same whole c2
grep -q "damaged entries" log || fail "damage is not reported"
echo "all checks passed"
