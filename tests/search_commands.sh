#!/usr/bin/env bash
# search, recognize, retrieve and eval on hand-made embeddings of two dimensions.   search_commands.sh CAIRN
set -euo pipefail
cairn=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() { echo "FAILED: $*"; exit 1; }

one='\x00\x00\x80\x3f'; zero='\x00\x00\x00\x00'; p6='\x9a\x99\x19\x3f'; p8='\xcd\xcc\x4c\x3f'; m8='\xcd\xcc\x4c\xbf'

# embeddings FOLDER "ids" "values" [meta]
embeddings() {
  mkdir -p "$1"
  local ids=($2)
  printf '%s\n' "${ids[@]}" > "$1/ids.txt"
  local header="{'descr': '<f4', 'fortran_order': False, 'shape': (${#ids[@]}, 2), }"
  { printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$header"; printf "${3// /}"; } > "$1/embeddings.npy"
  printf 'id,reason\n' > "$1/skipped.csv"
  printf '%s' "${4:-{\}}" > "$1/meta.json"
}

# expect_error CODE "part of the message" command…
expect_error() {
  local code=$1 part=$2 status=0; shift 2
  "$@" > out.txt 2> err.txt || status=$?
  [ "$status" = "$code" ] || fail "$* ended with $status instead of $code: $(cat err.txt)"
  grep -qF -- "$part" err.txt out.txt || fail "$*: no \"$part\" in: $(cat err.txt)"
}

embeddings queries "q1 q2" "$one$zero $zero$one"
embeddings index "a b c d" "$p6$p8 $one$zero $p6$m8 $one$zero"

"$cairn" search --queries queries --index index --top 3 --out hits.csv 2> /dev/null
cmp hits.csv - <<'END' || fail "search wrote $(cat hits.csv)"
query,rank,id,score
q1,1,b,1
q1,2,d,1
q1,3,a,0.6
q2,1,a,0.8
q2,2,b,0
q2,3,d,0
END
"$cairn" search --queries index --index index --exclude-self --top 1 --out new/self.csv 2> /dev/null
cut -d, -f1,3 new/self.csv | tr '\n' ' ' | grep -qx 'query,id a,b b,d c,b d,b ' || fail "$(cat new/self.csv)"

# With an index the results are the same, until the embeddings change.
cp -r index indexed
"$cairn" index indexed 2> err.txt
tail -1 err.txt | grep -q 'indexed/search.cairn: 4 rows of 2 numbers' || fail "not said last: $(cat err.txt)"
"$cairn" index indexed 2>&1 | grep -q 'fits the embeddings already' || fail "a second index must not be made"
"$cairn" index --check indexed 2>&1 | grep -q 'sound' || fail "the index must be sound"
"$cairn" search --queries queries --index indexed --top 3 --out same.csv 2> err.txt
cmp hits.csv same.csv || fail "search with an index wrote $(cat same.csv)"
[ ! -s err.txt ] || ! grep -q warning err.txt || fail "$(cat err.txt)"
"$cairn" search --queries indexed --index indexed --exclude-self --top 1 --out same.csv 2> /dev/null
cmp new/self.csv same.csv || fail "without oneself search with an index wrote $(cat same.csv)"
"$cairn" retrieve --queries queries --index indexed --out same.csv 2> /dev/null
"$cairn" retrieve --queries queries --index index --out images.csv 2> /dev/null
cmp images.csv same.csv || fail "retrieve with an index wrote $(cat same.csv)"
mv indexed/embeddings.npy indexed/before.npy
embeddings indexed "a b c d" "$p6$m8 $one$zero $p6$p8 $one$zero"
"$cairn" search --queries queries --index indexed --top 3 --out same.csv 2> err.txt
grep -q 'search.cairn is not used: embeddings.npy has changed' err.txt || fail "$(cat err.txt)"
grep -q '^q2,1,c,0.8' same.csv || fail "the index of other embeddings was used: $(cat same.csv)"
mv indexed/before.npy indexed/embeddings.npy
printf 'x' | dd of=indexed/search.cairn bs=1 seek=4100 conv=notrunc 2> /dev/null
expect_error 1 "indexed/search.cairn: damaged (bytes 4096 to" \
  "$cairn" search --queries queries --index indexed --out x.csv
"$cairn" index indexed 2> err.txt
grep -q 'indexed/search.cairn: 4 rows' err.txt || fail "a damaged index was left: $(cat err.txt)"
"$cairn" index --check index 2> err.txt && fail "there is no index to check"
grep -q 'index/search.cairn: there is none; make it with cairn index' err.txt || fail "$(cat err.txt)"

# Other embeddings of the same size and time are told by their content.
cp -rp index twin; "$cairn" index twin 2> /dev/null
cp -p twin/embeddings.npy time; embeddings twin "a b c d" "$p6$m8 $one$zero $p6$p8 $one$zero"
touch -r time twin/embeddings.npy
expect_error 1 "twin/search.cairn: made of another embeddings.npy; make it again with cairn index" \
  "$cairn" index --check twin
touch twin/search.cairn.tmp-99999
"$cairn" index twin 2> err.txt
grep -q 'twin/search.cairn: 4 rows' err.txt || fail "the index of other embeddings was left: $(cat err.txt)"
[ -z "$(ls twin | grep tmp)" ] || fail "left: $(ls twin)"

# Photos prepared otherwise are compared, with a warning.
cp -r index large; echo '{"size": 256}' > large/meta.json
cp -r queries small; echo '{"size": 224}' > small/meta.json
"$cairn" search --queries small --index large --top 3 --out same.csv 2> err.txt
cmp hits.csv same.csv || fail "another size changed $(cat same.csv)"
grep -q 'small and large: embedded with another size (224 and 256);' err.txt || fail "$(cat err.txt)"

# Stopped in the middle it says so and leaves nothing.
many=$(seq 6000 | tr '\n' ' ')
embeddings many "$many" "$(printf '%.0s'"$p6$m8$p8$p6" $(seq 3000))"
"$cairn" index --hnsw --ef-construction 2000 --threads 1 many 2> err.txt & job=$!
until [ $((0x$(sed -n 's/SigCgt:\s*//p' /proc/$job/status) & 0x4000)) != 0 ]; do sleep 0.01; done
kill -TERM $job
wait $job && fail "an interrupted index ended well"
grep -q 'many/graph.cairn: interrupted; nothing was written' err.txt || fail "$(cat err.txt)"
[ -z "$(ls many | grep cairn)" ] || fail "left: $(ls many)"

# A graph of four rows finds what exact search finds.
cp -r index graphed
"$cairn" index --hnsw --m 4 graphed 2> err.txt
grep -q 'graphed/graph.cairn: 4 rows of 2 numbers' err.txt || fail "$(cat err.txt)"
"$cairn" index --hnsw --m 4 graphed 2>&1 | grep -q 'fits the embeddings already' || fail "a second graph must not be made"
"$cairn" index --check graphed 2>&1 | grep -q 'graph.cairn: sound' || fail "the graph must be sound"
for store in int8 bf16 f32; do
  "$cairn" index --hnsw --store $store graphed 2> /dev/null
  "$cairn" search --queries queries --index graphed --approximate --ef 10 --top 3 --out same.csv 2> err.txt
  cmp hits.csv same.csv || fail "a search of the graph in $store wrote $(cat same.csv)"
done
"$cairn" retrieve --queries queries --index graphed --approximate --out same.csv 2> /dev/null
cmp images.csv same.csv || fail "retrieve by the graph wrote $(cat same.csv)"
printf 'x' | dd of=graphed/graph.cairn bs=1 seek=4100 conv=notrunc 2> /dev/null
expect_error 1 "make it again with cairn index --hnsw" \
  "$cairn" search --queries queries --index graphed --approximate --out x.csv
"$cairn" index --hnsw --store f32 graphed 2> err.txt
grep -q 'graphed/graph.cairn: 4 rows' err.txt || fail "a damaged graph was left: $(cat err.txt)"
cp -r graphed stale
embeddings stale "a b c d" "$p6$m8 $one$zero $p6$p8 $one$zero"
expect_error 1 "make it with cairn index --hnsw" "$cairn" index --check stale
expect_error 2 "--m requires --hnsw" "$cairn" index --m 8 graphed
expect_error 1 "index/graph.cairn: there is none; make it with cairn index --hnsw" \
  "$cairn" search --queries queries --index index --approximate --out x.csv
expect_error 1 "--approximate is for one model without re-ranking" \
  "$cairn" retrieve --queries queries --index graphed --approximate --rerank k-reciprocal --out x.csv
expect_error 2 "--ef" "$cairn" search --queries queries --index graphed --ef 10 --out x.csv
expect_error 2 "--m: must be a number from 4 to 256" "$cairn" index --hnsw --m 3 graphed
# A folder of that name, and a file that may not be read (root may read all, so that root asks somebody else to).
for file in search graph; do
  cp -r index odd-$file && mkdir odd-$file/$file.cairn
  how=$([ $file = search ] || echo --approximate)
  expect_error 1 "odd-$file/$file.cairn: not a regular file; make it readable or remove it, cairn index" \
    "$cairn" search --queries queries --index odd-$file $how --out x.csv
done
expect_error 1 "odd-search/search.cairn: is a folder" "$cairn" index odd-search
chmod 000 indexed/search.cairn
if [ "$(id -u)" = 0 ]; then
  as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups) && chmod 755 . && mkdir -m 777 user
  cp "$cairn" user/cairn
else
  as_user=() && mkdir user && cp "$cairn" user/cairn
fi
expect_error 1 "indexed/search.cairn: cannot open: Permission denied; make it readable or remove it, cairn index makes" \
  "${as_user[@]}" user/cairn search --queries queries --index indexed --out user/x.csv
chmod 644 indexed/search.cairn
# Two at once leave one sound file; a full disk (here: a limit of file sizes) leaves the one before.
for how in "" "--hnsw"; do
  rm -f graphed/*.cairn
  "$cairn" index $how graphed 2> err.txt & first=$!
  "$cairn" index $how graphed 2> /dev/null || fail "a second cairn index failed"
  wait $first || fail "a first cairn index failed: $(cat err.txt)"
  "$cairn" index --check graphed 2> /dev/null || fail "two at once left a broken file"
  cp -r graphed before
  sed -i 's/^d$/e/' graphed/ids.txt  # so that it is made again
  (trap '' XFSZ; ulimit -f 1; expect_error 1 "disk full" "$cairn" index $how graphed) || exit 1
  cp before/ids.txt graphed/ids.txt
  diff -r before graphed > /dev/null || fail "a full disk changed $(diff -rq before graphed)"
  rm -r before
done

printf 'id,landmark_id\na,10\nb,20\nd,30\nz,40\n' > labels.csv
"$cairn" recognize --queries queries --references index --labels labels.csv --top-k 1 --out names.csv 2> err.txt
cmp names.csv - <<'END' || fail "recognize wrote $(cat names.csv)"
id,landmarks
q1,20 1
q2,10 0.800000011920929
END
grep -q 'without a label in labels.csv, and so without a vote: 1 of 4 references' err.txt || fail "recognize did not count the unlabelled: $(cat err.txt)"
grep -q 'without an embedding in index: 1 of 4 labels' err.txt || fail "recognize did not count the missing: $(cat err.txt)"

"$cairn" retrieve --queries queries --index index --out images.csv 2> /dev/null
cmp images.csv - <<'END' || fail "retrieve wrote $(cat images.csv)"
id,images
q1,b d a c
q2,a b d c
END

# Landmark 10 is in the same place as 20: c is tagged like q2's reference a, but is not like it.
embeddings references "r s" "$p6$p8 $p6$m8"
printf 'id,landmark_id,path,noisy,country,continent\nr,10,r.jpg,0,FR,Europe\ns,10,s.jpg,0,FR,Europe\n' > list.csv
tagged=(retrieve --queries queries --index index --references references --labels list.csv)
"$cairn" "${tagged[@]}" --rerank landmark-country --out images2.csv 2> /dev/null
cmp images.csv images2.csv || fail "one landmark for all must not change the order: $(cat images2.csv)"
echo damaged > references/neighbours.cairn
"$cairn" "${tagged[@]}" --rerank landmark-country --out images2.csv 2> err.txt
[ "$(grep -c 'references/neighbours.cairn: no neighbour lists; it is made anew' err.txt)" = 1 ] || fail "not said once: $(cat err.txt)"
grep -q damaged references/neighbours.cairn && fail "a damaged neighbours.cairn was left"
printf 'id,landmark_id\nr,10\ns,20\n' > table.csv
"$cairn" retrieve --queries queries --index index --references references --labels table.csv \
  --rerank category --tags 1 --out images2.csv 2> /dev/null
cmp images2.csv - <<'END' || fail "category wrote $(cat images2.csv)"
id,images
q1,b d a c
q2,a b d c
END
"$cairn" retrieve --queries queries --queries queries --index index --index index --weights 1,0.5 \
  --out images2.csv 2> /dev/null
cmp images.csv images2.csv || fail "a model fused with itself must not change the order"
expect_error 1 "needs --references once for every model, and --labels" \
  "$cairn" retrieve --queries queries --index index --rerank both --out x.csv
expect_error 1 "2 --weights for 1 model:" \
  "$cairn" retrieve --queries queries --index index --weights 1,2 --out x.csv
expect_error 1 "hold different photos" \
  "$cairn" retrieve --queries queries --queries index --index index --index index --out x.csv
expect_error 1 "name it by --categories" "$cairn" retrieve --queries queries --index index \
  --references references --labels table.csv --country . --rerank landmark-country --out x.csv
expect_error 2 "--rerank" "$cairn" retrieve --queries queries --index index --rerank better --out x.csv

printf 'id,landmarks,Usage\nq1,20,Public\nq2,99,Private\nq3,10,Private\n' > names_solution.csv
"$cairn" eval recognition --solution names_solution.csv --submission names.csv --json > scores.json 2> err.txt
grep -q '"gap": 0.3333' scores.json || fail "$(cat scores.json)"
grep -q '"missing": 1' scores.json || fail "$(cat scores.json)"
"$cairn" eval recognition --solution names_solution.csv --submission names.csv --usage Public 2> /dev/null |
  grep -q 'GAP    1.0000' || fail "the public part must score 1"
printf 'id,images,Usage\nq1,b a,Public\nq2,None,Ignored\n' > images_solution.csv
"$cairn" eval retrieval --solution images_solution.csv --submission images.csv | grep -q 'mAP@100    0.8333' ||
  fail "mAP@100 must be (1 + 2/3) / 2"

printf 'id,images,Usage\nq1,b a,Public\nq2,c,Private\n' > images_solution.csv
printf 'id,images\nq1,b x a b\nq2,x c\n' > ranking.csv
# expect_scores METRIC "part of the scores"…
expect_scores() {
  local metric=$1; shift
  "$cairn" eval retrieval --solution images_solution.csv --submission ranking.csv --metric "$metric" > scores.txt
  for part in "$@"; do grep -qF -- "$part" scores.txt || fail "$metric: no \"$part\" in $(cat scores.txt)"; done
}
expect_scores kaggle "mAP@100    0.6667" "precision  @1 0.5000 @5 0.3000 @10 0.1500 @20 0.0750 @100 0.0150" \
  "recall     @1 0.2500 @5 1.0000 @10 1.0000 @20 1.0000 @100 1.0000" "CMC        @1 0.5000 @5 1.0000" \
  "position   mean 1.50 median 1.5"
expect_scores retrieval "mAP retrieval 0.6667" "precision  @1 0.5000 @5 0.5833" "recall     @1 0.2500 @5 1.0000"
expect_scores voc "mAP voc    0.6667"
expect_scores delg "mAP delg   0.5208"
"$cairn" eval retrieval --solution images_solution.csv --submission ranking.csv --metric delg --json > scores.json
grep -q '"map": 0.52083333' scores.json || fail "$(cat scores.json)"
grep -q '"20": 1.0' scores.json || fail "recall at 20 must be 1: $(cat scores.json)"

cat > gnd.json <<'END'
{"imlist": ["a", "b", "c", "d"], "qimlist": ["q1", "q2"],
 "gnd": [{"easy": [0], "hard": [1], "junk": [2], "bbx": [0, 0, 1, 1]}, {"easy": [], "hard": [3], "junk": []}]}
END
"$cairn" eval revisited --ground-truth gnd.json --queries queries --index index > scores.txt 2> /dev/null
cmp scores.txt - <<'END' || fail "revisited printed $(cat scores.txt)"
revisited: 2 queries, 4 database images
  easy    mAP 0.2500   mP @1 0.0000 @5 0.5000 @10 0.5000   (1 query)
  medium  mAP 0.4792   mP @1 0.5000 @5 0.5000 @10 0.5000   (2 queries)
  hard    mAP 0.5833   mP @1 0.5000 @5 0.6667 @10 0.6667   (2 queries)
END
"$cairn" eval revisited --ground-truth gnd.json --submission images.csv > same.txt
cmp scores.txt same.txt || fail "the submission must score as the embeddings: $(cat same.txt)"
printf 'id,images\nq1,distractor b d a\n' > ranking.csv
"$cairn" eval revisited --ground-truth gnd.json --submission ranking.csv --json > scores.json 2> err.txt
grep -A1 '"hard": {' scores.json | grep -q '"map": 0.125' || fail "a distractor before the positive: $(cat scores.json)"
grep -q 'missing, and so scored 0: 1 of 2 queries' err.txt || fail "$(cat err.txt)"
grep -q 'in no ranking, and so not found as positives: 1 of 4 database images' err.txt || fail "$(cat err.txt)"
expect_error 2 "needs --queries and --index, or --submission" "$cairn" eval revisited --ground-truth gnd.json
expect_error 2 "needs --queries and --index, or --submission" \
  "$cairn" eval revisited --ground-truth gnd.json --queries queries --index index --submission images.csv
expect_error 1 "scores.txt: not JSON" "$cairn" eval revisited --ground-truth scores.txt --submission images.csv
printf 'id,images\nother,a\n' > foreign.csv
expect_error 1 "different datasets" "$cairn" eval revisited --ground-truth gnd.json --submission foreign.csv
printf 'id,images\nq1,e f\n' > foreign.csv
expect_error 1 "different datasets" "$cairn" eval revisited --ground-truth gnd.json --submission foreign.csv
expect_error 2 "--metric" \
  "$cairn" eval retrieval --solution images_solution.csv --submission images.csv --metric ap

expect_error 1 "no such embedding folder" "$cairn" search --queries nowhere --index index --out x.csv
expect_error 2 "--out is required" "$cairn" search --queries queries --index index
expect_error 2 "--top" "$cairn" retrieve --queries queries --index index --top 101 --out x.csv
# Numbers that mean nothing are wrong use, each with what is allowed.
for wrong in "--weights nan" "--weights -1" "--alpha inf" "--lambda nan" "--expand-queries -1" "--diffuse -1" \
  "--diffuse 1000000" "--expand-alpha nan" "--k1 -1" "--threads -1"; do
  expect_error 2 "${wrong% *}: must be a number" "$cairn" retrieve --queries queries --index index --out x.csv $wrong
done
expect_error 1 "one of them must be above 0" \
  "$cairn" retrieve --queries queries --index index --weights 0 --out x.csv
expect_error 1 "is a folder" "$cairn" retrieve --queries queries --index index --out queries
expect_error 2 "no command nope" "$cairn" nope
embeddings other "e" "$one$zero" '{"model_sha256": "1"}'
embeddings another "e" "$one$zero" '{"model_sha256": "2"}'
expect_error 1 "other and another: " "$cairn" search --queries other --index another --out x.csv
printf 'id,landmark_id\nz,40\n' > foreign.csv
expect_error 1 "labels none of the photos" \
  "$cairn" recognize --queries queries --references index --labels foreign.csv --out x.csv
printf 'id,landmarks\nq1,20 much\n' > broken.csv
expect_error 1 'broken.csv:2: the confidence "much" is not a number' \
  "$cairn" eval recognition --solution names_solution.csv --submission broken.csv
printf 'id,landmarks\nq7,20 1\n' > foreign.csv
expect_error 1 "different datasets" "$cairn" eval recognition --solution names_solution.csv --submission foreign.csv
[ ! -e x.csv ] || fail "a failed command left x.csv"
ls | grep -q tmp && fail "a temporary file was left behind: $(ls)"
echo "search commands: passed"
