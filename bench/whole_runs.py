"""JPEG files to embeddings on all cores, beside the network alone on one core times the cores, in turns.

/usr/bin/python3 whole_runs.py [--quick] [--rounds N] [--only NAME[,NAME…]]      (bench/run.sh sets the rest up)

A whole run is the program from start to end: reading the model, decoding, resizing, the network, writing.
"""
import shutil
import statistics
import subprocess
import time

import contenders
import machine
import results
import topic

MOBILENET = topic.SHARED / "models/mobilenet_v2_imagenet.onnx"
RESNET = topic.BENCH / "networks/wz_resnet50.onnx"
B0 = topic.BENCH / "networks/vt_net.onnx"
OUTPUT = "embedding"
# Name, title, model, side, precision.
CASES = [
    ("mobilenet_v2_f32", "MobileNetV2 @224, f32", MOBILENET, 224, "f32"),
    ("mobilenet_v2_bf16", "MobileNetV2 @224, bf16", MOBILENET, 224, "bf16"),
    ("b0_f32", "EfficientNet-B0 @224, f32", B0, 224, "f32"),
    ("b0_bf16", "EfficientNet-B0 @224, bf16", B0, 224, "bf16"),
    ("resnet50_f32", "ResNet-50 @256, f32", RESNET, 256, "f32"),
    ("resnet50_bf16", "ResNet-50 @256, bf16", RESNET, 256, "bf16"),
]
SECONDS = 6  # that a whole run should last at least, so that its start weighs little


def photos_in(folder, wanted):
    """A folder of so many real photos, each as often as it takes."""
    found = sorted((topic.SHARED / "data/landmarks").rglob("*.jpg"))
    if not found:
        raise contenders.Skipped(f"no photos in {topic.SHARED}/data/landmarks")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for i in range(wanted):
        (folder / f"{i:06}.jpg").symlink_to(found[i % len(found)].resolve())
    return wanted


def whole_run(model, photos, side, precision, count):
    """Photos a second."""
    out = topic.BENCH / "whole_run"
    command = [topic.PROGRAMS / "cairn", "embed", "--model", model, "--images", photos, "--out", out, "--force", "--size",
               str(side), "--mean", "127.5", "--std", "127.5", "--output", OUTPUT, "--precision", precision]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    taken = time.perf_counter() - start
    if done.returncode != 0:
        raise contenders.Skipped("cairn embed: " + (done.stderr.strip().splitlines() or ["failed"])[-1])
    return count / taken


def measure(model, side, precision, rounds, seconds, cores):
    model = model.resolve()
    if not model.exists():
        raise contenders.Skipped(f"{model} is not there")
    engines = [contenders.Contender("engine", [topic.PROGRAMS / "bench/embed_runner", model, OUTPUT, side, precision])
               for _ in range(cores)]
    try:
        for engine in engines:
            engine.rate("1", 1)
        one = engines[0].rate("1", 5)
        one = engines[0].rate("1", max(1, round(one)))
        photos = topic.BENCH / "photos"
        count = photos_in(photos, max(200, round(one * cores * seconds)))
        whole, alone, together = [], [], []
        amount = max(1, round(one * 2))
        for _ in range(rounds):
            alone.append(engines[0].rate("1", amount))
            whole.append(whole_run(model, photos, side, precision, count))
            for engine in engines:
                engine.send(f"time 1 {amount}")
            told = [engine.answer() for engine in engines]
            together.append(sum(t["images"] / t["seconds"] for t in told))
    finally:
        for engine in engines:
            engine.close()
    return {"photos": count, "whole": statistics.median(whole), "alone": statistics.median(alone),
            "together": statistics.median(together),
            **contenders.ratios(whole, [rate * cores for rate in alone]),
            "of_together": contenders.ratios(whole, together)["ratio"]}


def main():
    chosen = topic.options([case[0] for case in CASES])
    rounds = chosen.rounds or (2 if chosen.quick else 5)
    for name, title, model, side, precision in CASES:
        if name not in chosen.only:
            continue
        where = machine.describe(topic.ROOT)
        try:
            told = measure(model, side, precision, rounds, 4 if chosen.quick else SECONDS, where["cores"])
        except contenders.Skipped as reason:
            topic.say(f"{title}: skipped: {reason}")
            continue
        results.merge(chosen.results, "whole", name, told | {"title": title, "rounds": rounds, "machine": where})
        print(f"{title}: {told['whole']:.1f} photos/s over {told['photos']} photos; the network alone {told['alone']:.1f} "
              f"on one core, {told['together']:.1f} on all: {told['ratio']:.2f} ({told['low']:.2f} to {told['high']:.2f}) of "
              f"one core times {where['cores']}, {told['of_together']:.2f} of all")


if __name__ == "__main__":
    main()
