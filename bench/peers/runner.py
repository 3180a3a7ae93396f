"""The loop of a peer in Python, driven as bench/embed_runner.cc is."""
import json
import sys
import time

import numpy


def answer(value):
    print(json.dumps(value), flush=True)


def images(count, side):
    n, c, y, x = numpy.ogrid[:count, :3, :side, :side]
    noise = numpy.arange(count * 3 * side * side, dtype=numpy.int64).reshape(count, 3, side, side) * 7919 % 255 / 127.5 - 1
    waves = 0.5 * numpy.sin(0.031 * x + 0.7 * c + n) + 0.3 * numpy.cos(0.047 * y - 0.4 * c)
    return (waves + 0.2 * noise).astype(numpy.float32)


def serve(version, variants, prepare):
    """prepare(variant) gives a function without arguments that runs that batch and returns its output."""
    answer({"version": version, "variants": variants})
    prepared = {}
    for line in sys.stdin:
        command, *words = line.split()
        variant = words[0] if words else variants[0]
        if variant not in prepared:
            prepared.clear()
            prepared[variant] = prepare(variant)
        run = prepared[variant]
        if command == "check":
            answer({"output": numpy.asarray(run(), dtype=numpy.float32).reshape(-1).tolist()})
            continue
        batch = int(variant.split(",")[0])
        runs = max(1, int(words[1]) // batch)
        start = time.perf_counter()
        for _ in range(runs):
            run()
        answer({"images": runs * batch, "seconds": time.perf_counter() - start})


def guarded(main):
    try:
        main()
    except Exception as error:  # whatever a peer cannot do is told in one line
        lines = str(error).strip().splitlines() or [type(error).__name__]
        answer({"skip": lines[0]})
        sys.exit(1)
