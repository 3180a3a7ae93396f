"""Writes checkpoints with PyTorch, as people's programs do; for import_checkpoints.sh.

  import_checkpoints.py layouts KEYS.json OUT   a checkpoint of every network, zip and legacy
  import_checkpoints.py golden CASE SHARED OUT.pth    a golden case's weights by its formula
  import_checkpoints.py nan OUT.pth             a weight that is no number
  import_checkpoints.py hostile OUT.pth         calls os.system when PyTorch loads it
"""
import json
import os
import sys
from collections import Counter, OrderedDict

import numpy as np
import torch

STEP, COMPARED = 7919, 16
DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64]


def state_dict(keys, dtype, seed):
    """Random tensors, all of them views of one small storage: the files stay small."""
    random = torch.randn(16384, generator=torch.Generator().manual_seed(seed)).to(dtype)
    state = OrderedDict()
    for i, (key, shape, integer) in enumerate(keys):
        if integer:
            state[key] = torch.tensor(i * 1_000_003, dtype=torch.int64)
            continue
        strides = [1 + (d + i) % 2 for d in range(len(shape))]
        tensor = random.as_strided(shape, strides, i % 100)
        state[key] = torch.nn.Parameter(tensor) if i % 3 == 0 else tensor
    state._metadata = OrderedDict([("", {"version": 1})])
    return state


def expectation(state):
    values = {}
    for key, tensor in state.items():
        flat = [np.unravel_index(i * STEP % tensor.numel(), tensor.shape) if tensor.dim() else ()
                for i in range(COMPARED)]
        values[key] = [float(tensor.detach()[place].float()) if tensor.is_floating_point()
                       else int(tensor[place]) for place in flat]
    return values


def training_checkpoint(state):
    net = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.zeros(1, 3)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
    return {"epoch": 7, "best": np.float64(0.5), "loss": torch.tensor(0.25), "state_dict": state,
            "optimizer": optimizer.state_dict(), "scheduler": schedule.state_dict(), "args": None,
            "seen": {1, 2}, "milestones": Counter([3, 5]), "device": torch.device("cpu")}


def write_layouts(keys_file, out):
    with open(keys_file) as file:
        networks = json.load(file)
    for i, (arch, keys) in enumerate(sorted(networks.items())):
        base = os.path.join(out, arch.replace("/", "__"))
        state = state_dict(keys, DTYPES[i % len(DTYPES)], i)
        with open(base + ".json", "w") as file:
            json.dump(expectation(state), file)
        torch.save(state, base + ".zip.pth", pickle_protocol=2 + i % 3)
        wrapped = OrderedDict(("module." + key, value) for key, value in state.items())
        torch.save(training_checkpoint(wrapped), base + ".legacy.pth",
                   _use_new_zipfile_serialization=False)
        print(arch)


def formula(key, count):
    """u(key, 0 … count-1) of shared/golden/README.md."""
    h = 0xCBF29CE484222325
    for byte in key.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(h)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1


def golden_tensor(key, shape, factor):
    if key.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    u = formula(key, int(np.prod(shape)))
    if key.endswith("running_mean"):
        u = 0.1 * u
    elif key.endswith("running_var"):
        u = 1 + 0.5 * abs(u)
    elif len(shape) >= 2:
        u = u * (np.sqrt(3 / np.prod(shape[1:])) * (factor if len(shape) == 4 else 1))
    elif len(shape) == 1 and key.endswith("weight"):
        u = 1 + 0.1 * u
    else:
        u = 0.1 * u
    return torch.from_numpy(u.astype(np.float32).reshape(shape))


def write_golden(case, shared, out):
    folder = os.path.join(shared, "golden", case)
    with open(os.path.join(folder, "case.json")) as file:
        spec = json.load(file)
    if os.path.exists(os.path.join(folder, "keys.json")):
        with open(os.path.join(folder, "keys.json")) as file:
            keys = json.load(file)
    else:
        backbone = case.split("wz_")[1]
        with open(os.path.join(shared, "golden", "backbones", backbone, "keys.json")) as file:
            keys = [["base." + key, shape] for key, shape in json.load(file)] + spec["tail_keys"]
    factor = spec["parameters"].get("conv_weight_factor", 1.0)
    torch.save(OrderedDict(("module." + key, golden_tensor(key, shape, factor)) for key, shape in keys), out)


class Hostile:
    def __reduce__(self):
        return os.system, ("touch hacked",)


def main(arguments):
    if arguments[0] == "layouts":
        write_layouts(*arguments[1:])
    elif arguments[0] == "golden":
        write_golden(*arguments[1:])
    elif arguments[0] == "nan":
        torch.save({"conv1.weight": torch.full((64, 3, 7, 7), float("nan"))}, arguments[1])
    else:
        torch.save({"state_dict": {"weight": torch.zeros(1)}, "note": Hostile()}, arguments[1])


main(sys.argv[1:])
