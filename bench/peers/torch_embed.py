"""PyTorch on one thread, driven as bench/embed_runner.cc is.

/usr/bin/python3 torch_embed.py MODEL.onnx OUTPUT SIZE f32|bf16|script

bf16 is autocast; script is a frozen TorchScript trace, optimised for inference.
"""
import contextlib
import sys

import runner


def main():
    import torch
    from onnx_torch import OnnxModule
    path, output, size, setting = sys.argv[1:5]
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    plain = OnnxModule(path, output).eval()

    def prepare(variant):
        batch, *layout = variant.split(",")
        photos = torch.from_numpy(runner.images(int(batch), int(size)))
        network = plain.to(memory_format=torch.channels_last if layout else torch.contiguous_format)
        if layout:
            photos = photos.to(memory_format=torch.channels_last)
        if setting == "script":
            network = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, photos)))
            network(photos)
            network(photos)

        def run():
            autocast = torch.autocast("cpu", dtype=torch.bfloat16) if setting == "bf16" else contextlib.nullcontext()
            with autocast:
                return network(photos).float()
        return run

    runner.serve(torch.__version__, ["1", "4", "1,last", "4,last"], prepare)


runner.guarded(main)
