"""Networks in Cairn and in its peers, one thread each, in turns.

/usr/bin/python3 embedding.py [--quick] [--rounds N] [--only NAME[,NAME…]]      (bench/run.sh sets the rest up)

A peer takes part only if its output for one image is ONNX Runtime's, within what its precision allows.
"""
import math
import statistics
import subprocess

import contenders
import machine
import results
import topic
from topic import BENCH, PROGRAMS, ROOT, SHARED

NETWORKS = BENCH / "networks"
PEERS = ROOT / "bench/peers"

# Name, title, file (none: the one of shared/), side.
CASES = [
    ("resnet50", "ResNet-50", "wz_resnet50", 256),
    ("se_resnet101_ibn", "SE-ResNet101-IBN", "wz_se_resnet101_ibn_a", 512),
    ("resnext101_ibn", "ResNeXt101-IBN", "wz_resnext101_ibn_a", 512),
    ("resnest101", "ResNeSt101", "wz_resnest101", 512),
    ("b0_224", "EfficientNet-B0", "vt_net", 224),
    ("b0_512", "EfficientNet-B0", "vt_net", 512),
    ("mobilenet_v2", "MobileNetV2", None, 224),
]
ARCHS = ["models/wz_resnet50", "models/wz_se_resnet101_ibn_a", "models/wz_resnext101_ibn_a", "models/wz_resnest101",
         "models/vt_net"]
BASE = "ort_f32"
# Least cosine to ONNX Runtime's output, by precision.
LEAST_COSINE = {"f32": 0.99999, "script": 0.99999, "bf16": 0.99, "int8": 0.95}
SLOW = 0.4  # seconds an image, above which no batch is tried
OUTPUT = "embedding"
PHOTOS = 32  # that the 8-bit model is calibrated on


def model_of(file):
    return NETWORKS / f"{file}.onnx" if file else SHARED / "models/mobilenet_v2_imagenet.onnx"


def quantised(model, cairn):
    """The 8-bit model, made once; raises Skipped with the reason where it cannot be."""
    out = NETWORKS / f"{model.stem}.int8.onnx"
    if out.exists() and out.stat().st_mtime > model.stat().st_mtime:
        return out
    told = subprocess.run([cairn, "model", "quantize", "--help"], capture_output=True, text=True)
    if "--images" not in told.stdout:
        raise contenders.Skipped("this build of cairn has no cairn model quantize")
    photos = SHARED / "data/landmarks/train"
    if not photos.exists():
        raise contenders.Skipped(f"no photos to calibrate on in {photos}")
    command = [cairn, "model", "quantize", "--images", photos, "--photos", str(PHOTOS), model, "--out", out]
    if model.stem.startswith("mobilenet"):
        command += ["--size", "224", "--mean", "127.5", "--std", "127.5", "--output", OUTPUT]
    else:  # random weights lose more than trained ones; it is the speed of 8 bits that counts here
        command += ["--min-cosine", "-1"]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode != 0:
        raise contenders.Skipped("cairn model quantize: " + (made.stderr.strip().splitlines() or ["failed"])[-1])
    return out


def line_up(model, size):
    """Name, how to start it, and the folder to start it in; the model may be a function."""
    runner = PROGRAMS / "bench/embed_runner"
    cairn = PROGRAMS / "cairn"

    def eight_bit():
        return quantised(model, cairn)

    def plain():
        return model

    node = ["node", PEERS / "ort_embed.js"]
    python = ["/usr/bin/python3", "-W", "ignore"]
    modules = ROOT / "build/peers"
    return [
        ("ort_f32", plain, lambda m: [*node, m, OUTPUT, size], modules),
        ("cairn_f32", plain, lambda m: [runner, m, OUTPUT, size, "f32"], None),
        ("cairn_bf16", plain, lambda m: [runner, m, OUTPUT, size, "bf16"], None),
        ("cairn_int8", eight_bit, lambda m: [runner, m, OUTPUT, size, "auto"], None),
        ("ort_int8", eight_bit, lambda m: [*node, m, OUTPUT, size], modules),
        ("torch_f32", plain, lambda m: [*python, PEERS / "torch_embed.py", m, OUTPUT, size, "f32"], None),
        ("torch_script", plain, lambda m: [*python, PEERS / "torch_embed.py", m, OUTPUT, size, "script"], None),
        ("torch_bf16", plain, lambda m: [*python, PEERS / "torch_embed.py", m, OUTPUT, size, "bf16"], None),
        ("opencv_f32", plain, lambda m: [*python, PEERS / "opencv_embed.py", m, OUTPUT, size], None),
    ]


def cosine(a, b):
    if len(a) != len(b):
        return 0
    product = math.fsum(x * y for x, y in zip(a, b))
    size = math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))
    return product / size if size > 0 else 0


def start(entry, reference):
    """The contender, after its output was compared with the reference's; its cosine; its output."""
    name, model, command, folder = entry
    contender = contenders.Contender(name, command(model().resolve()), folder)
    output = contender.ask("check")["output"]
    agreement = cosine(output, reference or output)
    least = LEAST_COSINE[name.split("_")[1]]
    if not agreement >= least:
        contender.close()
        raise contenders.Skipped(f"its output is not ONNX Runtime's: cosine {agreement:.6f}, below {least}")
    return contender, agreement, output


def measure(title, model, size, rounds, slice_seconds):
    running, told = [], {}
    reference = None
    try:
        for entry in line_up(model, size):
            name = entry[0]
            try:
                contender, agreement, output = start(entry, reference)
                contender.choose_variant(slice_seconds, SLOW)
            except contenders.Skipped as reason:
                told[name] = {"skip": str(reason)}
                topic.say(f"  {name}: skipped: {reason}")
                continue
            reference = reference or (output if name == BASE else None)
            running.append(contender)
            told[name] = {"cosine": agreement}
        contenders.in_turns(running, rounds)
    finally:
        for contender in running:
            contender.close()
    base = next((c for c in running if c.name == BASE), None)
    for contender in running:
        told[contender.name] |= {"version": contender.version, "variant": contender.variant,
                                 "rate": statistics.median(contender.rates), "rates": contender.rates}
        if base:
            told[contender.name] |= contenders.ratios(contender.rates, base.rates)
    return {"title": f"{title} @{size}", "rounds": rounds, "contenders": told}


def main():
    chosen = topic.options([case[0] for case in CASES])
    rounds = chosen.rounds or (3 if chosen.quick else 7)
    slice_seconds = 0.3 if chosen.quick else 1.0
    if not all(model_of(case[2]).exists() for case in CASES if case[2]):
        exporter = PROGRAMS / "bench/export_networks"
        if not exporter.exists():
            topic.say(f"embedding: skipped: {exporter} is not there (it needs LibTorch)")
            return
        subprocess.run([exporter, NETWORKS, *ARCHS], check=True)
    for name, title, file, size in CASES:
        if name not in chosen.only:
            continue
        model = model_of(file)
        if not model.exists():
            topic.say(f"{title}: skipped: {model} is not there (CAIRN_SHARED_DIR)")
            continue
        topic.say(f"{title} @{size}")
        where = machine.describe(ROOT)
        entry = measure(title, model, size, rounds, slice_seconds) | {"machine": where}
        results.merge(chosen.results, "embedding", name, entry)
        for contender, told in entry["contenders"].items():
            if "rate" in told:
                print(f"  {contender:13} {told['rate']:8.2f} images/s, batch {told['variant']:7} "
                      f"x {told.get('ratio', 0):.2f} ({told.get('low', 0):.2f} to {told.get('high', 0):.2f}), "
                      f"cosine {told['cosine']:.5f}")


if __name__ == "__main__":
    main()
