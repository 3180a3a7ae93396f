#!/usr/bin/env bash
# Whether Cairn became slower since an earlier commit, on small fixed pieces of work.
#   bench/perfcheck.sh BASE [HEAD_CAIRN] [--threshold 0.05] [--rounds 7]      (make perfcheck BASE=COMMIT builds HEAD first)
# BASE is checked out and built in build/perfcheck. Ends with 1 where something became slower.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 1 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
base=$(git -C "$root" rev-parse --verify --quiet "$1^{commit}") || { echo "perfcheck: $1 is no commit here" >&2; exit 2; }
shift
head=$root/build/release/cairn
if [ $# -gt 0 ] && [[ $1 != --* ]]; then head=$1; shift; fi
[ -x "$head" ] || { echo "perfcheck: $head is not there: build first" >&2; exit 2; }

folder=$root/build/perfcheck
sources=$folder/sources
mkdir -p "$folder"
git -C "$root" worktree prune
if [ -e "$sources/.git" ]; then
  git -C "$sources" checkout --quiet --detach "$base"
else
  git -C "$root" worktree add --quiet --detach "$sources" "$base"
fi
cmake -S "$sources" -B "$folder/base" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAIRN_TRAIN=OFF -DCAIRN_TESTS=OFF > "$folder/base.log"
cmake --build "$folder/base" --target cairn >> "$folder/base.log" || { tail -20 "$folder/base.log" >&2; exit 2; }
echo "base $(git -C "$root" rev-parse --short "$base"), head $(git -C "$root" rev-parse --short HEAD) as it is built"
exec /usr/bin/python3 -B "$root/bench/perfcheck.py" "$(find "$folder/base" -maxdepth 3 -name cairn -type f | head -1)" "$head" "$folder" "$@"
