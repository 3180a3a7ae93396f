#!/usr/bin/env bash
# lists on a small dataset of tables without photos.   lists_command.sh CAIRN
set -euo pipefail
cairn=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() { echo "FAILED: $*"; exit 1; }

# expect_error CODE "part of the message" command…
expect_error() {
  local code=$1 part=$2 status=0; shift 2
  "$@" > out.txt 2> err.txt || status=$?
  [ "$status" = "$code" ] || fail "$* ended with $status instead of $code: $(cat err.txt)"
  grep -qF -- "$part" err.txt out.txt || fail "$*: no \"$part\" in: $(cat err.txt)"
}

mkdir -p root/train root/index root/test root/country_info
printf 'landmark_id,images\n7,aaaa bbbb\n' > root/train/train_clean.csv
printf 'id,url,landmark_id\ncccc,,9\naaaa,"http://x/a,b.jpg",7\nbbbb,,7\n' > root/train/train.csv
printf 'landmark_id,category\n7,http://x/wiki/Category:Tower\n9,https://x/wiki/Category:Bridge\n' \
  > root/train/train_label_to_category.csv
printf 'landmark_id,category\n1,http://x/wiki/Category:Tower\n2,http://x/wiki/Category:Elsewhere\n' \
  > root/index/index_label_to_category.csv
printf 'id,landmark_id\ndddd,1\neeee,2\n' > root/index/index_image_to_landmark.csv
printf 'id,images,Usage\nqqqq,dddd eeee,Public\nrrrr,None,Ignored\n' > root/test/retrieval_solution_v2.1.csv
printf '[{"name": "Tower", "id": 7}]' > root/country_info/NA.json
printf 'Continent_Name,Two_Letter_Country_Code\nAfrica,NA\n' > root/country_info/continent_codes.csv

"$cairn" lists --root root --out lists --expanded-index > out.txt
grep -q 'all  *6 photos of  *2 landmarks' out.txt || fail "$(cat out.txt)"
cmp lists/all.csv - <<'END' || fail "all.csv is $(cat lists/all.csv)"
id,landmark_id,path,noisy,country,continent
cccc,1,train/c/c/c/cccc.jpg,1,,OTHER
aaaa,0,train/a/a/a/aaaa.jpg,0,NA,Africa
bbbb,0,train/b/b/b/bbbb.jpg,0,NA,Africa
dddd,0,index/d/d/d/dddd.jpg,0,NA,Africa
qqqq,0,test/q/q/q/qqqq.jpg,0,NA,Africa
rrrr,-1,test/r/r/r/rrrr.jpg,0,,
END
[ "$(tail -1 lists/index.csv)" = "eeee,-1,index/e/e/e/eeee.jpg,0,," ] || fail "index.csv lacks eeee"
[ "$(tail -1 lists/landmarks.csv)" = "1,9,Bridge,,OTHER" ] || fail "$(cat lists/landmarks.csv)"
grep -q '"counts_of_gldv2": false' lists/summary.json || fail "$(cat lists/summary.json)"

expect_error 1 "clean has 2 photos of 1 landmark instead of 1580470 photos of 81313 landmarks" \
  "$cairn" lists --root root --out no --expect-gldv2
[ -z "$(ls no)" ] || fail "lists were written although the counts are wrong"
expect_error 2 "--root is required" "$cairn" lists --out no
expect_error 2 "--test-sample" "$cairn" lists --root root --out no --test-sample -1
expect_error 1 "nowhere: cannot read the folder" "$cairn" lists --root nowhere --out no
expect_error 1 "cannot" "$cairn" lists --root root --out root/train/train.csv
expect_error 1 "none: cannot read the folder" "$cairn" lists --root root --out no --countries none
mkdir empty
expect_error 1 "empty: no train/train.csv" "$cairn" lists --root empty --out no
printf 'dddd,2\n' >> root/index/index_image_to_landmark.csv
expect_error 1 "index_image_to_landmark.csv:4: photo dddd has landmark 2 here and 1 earlier" \
  "$cairn" lists --root root --out no
ls lists no | grep -q tmp && fail "a temporary file was left behind: $(ls lists no)"
echo "lists command: passed"
