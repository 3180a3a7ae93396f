"""Whether small fixed pieces of work became slower since an earlier commit.

/usr/bin/python3 perfcheck.py BASE_CAIRN HEAD_CAIRN FOLDER [--threshold 0.05] [--rounds 7]      (make perfcheck BASE=COMMIT)

Instructions are counted by perf stat, or by valgrind's callgrind where the processor's counters cannot be read: that
one runs the AVX2 code, for it knows no AVX-512. Times are taken in turns. A piece of work became slower where its
instructions grew by more than the threshold, or where every round took longer by more than twice of it.
"""
import argparse
import json
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys

import tiny_inputs

RUNS = 3  # in a round, for the start of a program is noisy


def workloads(data, out):
    """Name and the arguments of cairn; small enough for callgrind, which is fifty times as slow."""
    one = ["--threads", "1"]
    index = ["--queries", data / "queries", "--index", data / "index"]
    return [
        ("embedding, f32", ["bench", "embed", "--model", data / "b0.onnx", "--size", "96", "--precision", "f32",
                            "--rounds", "4", "--output", "embedding"]),
        ("embedding, bf16", ["bench", "embed", "--model", data / "b0.onnx", "--size", "96", "--precision", "bf16",
                             "--rounds", "4", "--output", "embedding"]),
        ("decoding", ["embed", "--model", data / "mean.onnx", "--size", "96", "--mean", "127.5", "--std", "127.5", "--output",
                      "embedding", "--images", data / "photos", "--out", out / "decoded", "--force", *one]),
        ("exact search", ["search", *index, "--out", out / "hits.csv", *one]),
        ("search of copies", ["search", "--queries", data / "queries", "--index", data / "copied-SIDE", "--out",
                              out / "copied.csv", *one]),
        ("k-reciprocal", ["retrieve", "--queries", data / "few_queries", "--index", data / "few", "--rerank", "k-reciprocal", "--out", out / "reranked.csv", *one]),
    ]


def make_data(cairn, data):
    """Once, by the newer program."""
    if (data / "done").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    (data / "mean.onnx").write_bytes(tiny_inputs.pixel_mean_model())
    tiny_inputs.write_embeddings(data / "index", 6000, 128, 1)
    tiny_inputs.write_embeddings(data / "queries", 40, 128, 2)
    tiny_inputs.write_embeddings(data / "few", 1500, 128, 1)
    tiny_inputs.write_embeddings(data / "few_queries", 8, 128, 2)
    root = pathlib.Path(__file__).resolve().parent.parent
    for arguments in (["synth", "--out", data / "world", "--landmarks", "2", "--photos", "10", "--size", "640"],
                      ["model", "import", "--arch", "models/vt_net", "--checkpoint", root / "models/starter.safetensors",
                       "--lenient", "--out", data / "b0.onnx"]):
        made = subprocess.run([cairn, *arguments], capture_output=True, text=True)
        if made.returncode != 0:
            print(f"perfcheck: {' '.join(map(str, arguments[:2]))}: {last_line(made.stderr)}", file=sys.stderr)
    photos = sorted((data / "world").rglob("*.jpg"))[:12]
    (data / "photos").mkdir()
    for photo in photos:
        shutil.copy(photo, data / "photos")
    (data / "done").touch()


def make_index(program, side, data):
    """Each side searches a file of its own: the format may have changed in between."""
    folder = data / f"copied-{side}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(data / "index", folder)
    made = subprocess.run([program, "index", folder], capture_output=True, text=True)
    if made.returncode != 0:
        print(f"perfcheck: {side} makes no copies to search in, it searches all rows: {last_line(made.stderr)}", file=sys.stderr)


def last_line(text):
    lines = [line for line in text.strip().splitlines() if not line.startswith("Run with --help")]
    return (lines or ["no message"])[-1]


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command):
    """Processor seconds and stderr; raises RuntimeError with the last line of that."""
    before = processor_seconds()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(last_line(done.stderr) if done.returncode > 0 else f"ended by signal {-done.returncode}")
    return processor_seconds() - before, done.stderr


def counter():
    """How instructions can be counted here: the words before a command, a reader of stderr, its name."""
    perf = ["perf", "stat", "-x,", "-e", "instructions:u"]
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]

    def of_perf(text):
        found = re.search(r"^(\d+),[^,]*,instructions", text, re.MULTILINE)
        return int(found.group(1)) if found else None

    def of_callgrind(text):
        found = re.search(r"Collected\s*:\s*(\d+)", text)
        return int(found.group(1)) if found else None

    for words, reader, name in ((perf, of_perf, "perf stat"), (callgrind, of_callgrind, "callgrind, AVX2 code")):
        if shutil.which(words[0]):
            try:
                if reader(run([*words, "true"])[1]) is not None:
                    return words, reader, name
            except RuntimeError:
                pass
    return None


def measure(programs, arguments, rounds, counting):
    """Of base and head: instructions (or None) and seconds by round. Raises RuntimeError where a program fails."""
    told = {side: {"instructions": None, "seconds": []} for side in programs}
    commands = {side: [program, *(str(word).replace("SIDE", side) for word in arguments)]
                for side, program in programs.items()}
    for side, command in commands.items():
        try:
            run(command)
        except RuntimeError as error:
            raise RuntimeError(f"{side}: {error}") from None
    for number in range(rounds):
        for side in sorted(programs, reverse=number % 2 == 1):
            told[side]["seconds"].append(sum(run(commands[side])[0] for _ in range(RUNS)))
    if counting:
        words, reader, _ = counting
        for side, command in commands.items():
            try:
                told[side]["instructions"] = reader(run([*words, *command])[1])
            except RuntimeError as error:
                print(f"perfcheck: {arguments[0]}, {side}: instructions not counted: {error}", file=sys.stderr)
    return told


def compare(told, threshold):
    """{"instructions": ratio or None, "time", "least", "most": of the rounds, "slower": reasons}."""
    base, head = told["base"], told["head"]
    rounds = [ours / theirs for ours, theirs in zip(head["seconds"], base["seconds"]) if theirs > 0]
    result = {"instructions": None, "time": statistics.median(rounds), "least": min(rounds), "most": max(rounds),
              "slower": []}
    if base["instructions"] and head["instructions"]:
        result["instructions"] = head["instructions"] / base["instructions"]
        if result["instructions"] > 1 + threshold:
            result["slower"].append("instructions")
    if result["least"] > 1 + 2 * threshold:
        result["slower"].append("time in every round")
    return result


def row(name, told, result):
    counts = " – "
    if result["instructions"]:
        counts = f"{told['base']['instructions'] / 1e6:.0f} M to {told['head']['instructions'] / 1e6:.0f} M, x {result['instructions']:.3f}"
    verdict = "SLOWER: " + ", ".join(result["slower"]) if result["slower"] else "ok"
    return (f"{name:18} {counts:32} time x {result['time']:.2f} ({result['least']:.2f} to {result['most']:.2f})  "
            f"{verdict}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base", type=pathlib.Path)
    parser.add_argument("head", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--threshold", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    data, out = arguments.folder / "data", arguments.folder / "out"
    make_data(arguments.head, data)
    out.mkdir(parents=True, exist_ok=True)
    counting = counter()
    print(f"instructions by {counting[2]}" if counting else "instructions cannot be counted here: times alone")
    programs = {"base": arguments.base, "head": arguments.head}
    for side, program in programs.items():
        make_index(program, side, data)
    results, slower = {}, False
    for name, words in workloads(data, out):
        try:
            told = measure(programs, words, arguments.rounds, counting)
        except RuntimeError as error:
            print(f"{name:18} skipped: {error}")
            slower |= str(error).startswith("head:") and (data / "b0.onnx").exists()
            continue
        result = compare(told, arguments.threshold)
        results[name] = told | {"compared": result}
        slower |= bool(result["slower"])
        print(row(name, told, result), flush=True)
    (arguments.folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    sys.exit(1 if slower else 0)


if __name__ == "__main__":
    main()
