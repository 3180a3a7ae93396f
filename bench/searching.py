"""Exact search of a million embeddings beside faiss's flat index, one thread each, in turns.

/usr/bin/python3 searching.py [--quick] [--rounds N]      (bench/run.sh sets the rest up)
"""
import json
import subprocess

import machine
import results
import topic

DIM = 512
QUERIES = 1129


def main():
    chosen = topic.options(["exact"])
    rows = 100_000 if chosen.quick else 1_000_000
    rounds = chosen.rounds or (5 if chosen.quick else 11)
    programs, data = topic.PROGRAMS / "bench", topic.BENCH / "embeddings"
    data.mkdir(parents=True, exist_ok=True)
    index, queries = data / f"2_{rows}x{DIM}", data / f"0_{QUERIES}x{DIM}"
    for folder, (number, count) in {index: (2, rows), queries: (0, QUERIES)}.items():
        if not folder.exists():
            subprocess.run([programs / "draw_embeddings", data, str(number), str(count), str(DIM)], check=True)
    subprocess.run([topic.PROGRAMS / "cairn", "index", index], check=True)
    where, told = machine.describe(topic.ROOT), topic.BENCH / "search_now.json"
    subprocess.run([programs / "search_peer_bench", index, queries, str(rounds), told], check=True)
    entry = json.loads(told.read_text()) | {"title": f"{rows:,} × {DIM}, top 100", "rounds": rounds, "machine": where}
    results.merge(chosen.results, "search", "exact", entry)


if __name__ == "__main__":
    main()
