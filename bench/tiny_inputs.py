"""Inputs of perfcheck that need no package: an ONNX model that only averages pixels, and embedding folders."""
import array
import json
import math
import random
import struct


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, value):
    """A protobuf field: a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def value_info(name, dims):
    shape = b"".join(field(1, field(2, d) if isinstance(d, str) else field(1, d)) for d in dims)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def pixel_mean_model():
    """N x 3 x H x W to the mean of each colour, N x 3: next to no work, so that decoding dominates."""
    pool = field(1, "input") + field(2, "mean") + field(4, "GlobalAveragePool")
    flat = field(1, "mean") + field(2, "embedding") + field(4, "Flatten")
    graph = (field(1, pool) + field(1, flat) + field(2, "pixel_mean") +
             field(11, value_info("input", ["N", 3, "H", "W"])) + field(12, value_info("embedding", ["N", 3])))
    return field(1, 7) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def write_embeddings(folder, rows, dims, seed):
    """Random rows of length 1."""
    source = random.Random(seed)
    values = array.array("f")
    for _ in range(rows):
        row = [source.random() - 0.5 for _ in range(dims)]
        length = math.sqrt(sum(v * v for v in row))
        values.extend(v / length for v in row)
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dims}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    folder.mkdir(parents=True)
    (folder / "embeddings.npy").write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values.tobytes())
    (folder / "ids.txt").write_text("".join(f"{i:08}\n" for i in range(rows)))
    (folder / "meta.json").write_text(json.dumps({"note": "random"}) + "\n")
