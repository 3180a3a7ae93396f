"""Search of embeddings beside faiss and hnswlib, one thread each, in turns.

/usr/bin/python3 searching.py [--quick] [--rounds N] [--only exact,graph]      (bench/run.sh sets the rest up)

Both parts run a program of bench/ that alternates its contenders itself: PROGRAM INDEX QUERIES ROUNDS JSON. The file that
graph_peer_bench writes: {"rows", "dim", "contenders": {"Cairn" | "hnswlib" | "faiss HNSW": {"setting": "ef 64",
"recall": recall@10 against exact search, "bytes": of the graph and what it searches, "queries": in a round,
"milliseconds": [of each round]}}}.
"""
import json
import subprocess

import machine
import results
import topic

DIM = 512
QUERIES = 1129


# Name, program, rows, rows of a quick run, rounds.
PARTS = {"exact": ("search_peer_bench", 1_000_000, 100_000, 11), "graph": ("graph_peer_bench", 200_000, 20_000, 7)}


# Rows of a landmark: more than the 10 that a search of the graph is asked for.
PHOTOS_OF_A_LANDMARK = {"exact": 20, "graph": 50}


def drawn(number, count, landmarks):
    data = topic.BENCH / f"embeddings_{landmarks}"
    data.mkdir(parents=True, exist_ok=True)
    folder = data / f"{number}_{count}x{DIM}"
    if not folder.exists():
        subprocess.run([topic.PROGRAMS / "bench/draw_embeddings", data, str(number), str(count), str(DIM),
                        str(landmarks)], check=True)
    return folder


def main():
    chosen = topic.options(list(PARTS))
    for part in chosen.only:
        program, many, few, usual = PARTS[part]
        if not (topic.PROGRAMS / "bench" / program).exists():
            topic.say(f"search: {part}: skipped: {program} is not built")
            continue
        rows, rounds = (few, 3) if chosen.quick else (many, usual)
        rounds = chosen.rounds or rounds
        landmarks = rows // PHOTOS_OF_A_LANDMARK[part]
        index, queries = drawn(2, rows, landmarks), drawn(0, QUERIES, landmarks)
        if part == "exact":
            subprocess.run([topic.PROGRAMS / "cairn", "index", index], check=True)
        where, told = machine.describe(topic.ROOT), topic.BENCH / "search_now.json"
        subprocess.run([topic.PROGRAMS / "bench" / program, index, queries, str(rounds), told], check=True)
        title = f"{rows:,} × {DIM}, top {100 if part == 'exact' else 10}"
        results.merge(chosen.results, "search", part,
                      json.loads(told.read_text()) | {"title": title, "rounds": rounds, "machine": where})


if __name__ == "__main__":
    main()
