"""build/bench/results.json: topics that are measured one at a time, and merged."""
import json
import os


def load(path):
    return json.loads(path.read_text()) if path.exists() else {}


def merge(path, topic, key, value):
    results = load(path)
    results.setdefault(topic, {})[key] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(results, indent=1) + "\n")
    os.replace(beside, path)
