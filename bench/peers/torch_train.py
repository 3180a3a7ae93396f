"""Training steps of torchvision's EfficientNet-B0 with an ArcFace head, as bench/train_bench.cc has them.

/usr/bin/python3 torch_train.py [SIZE] [BATCH] [CLASSES] [STEPS] [f32|bf16] [channels_last]
"""
import contextlib
import math
import sys
import time

import torch
import torch.nn.functional as F
import torchvision

arguments = dict(enumerate(sys.argv))
size, batch = int(arguments.get(1, 224)), int(arguments.get(2, 16))
classes, steps = int(arguments.get(3, 1000)), int(arguments.get(4, 12))
bf16 = arguments.get(5, "f32") == "bf16"
last = "channels_last" in sys.argv
torch.set_num_threads(2)
torch.manual_seed(1)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.features = torchvision.models.efficientnet_b0().features
        self.p = torch.nn.Parameter(torch.full((1,), 3.0))
        self.neck = torch.nn.Sequential(torch.nn.Linear(1280, 512), torch.nn.BatchNorm1d(512), torch.nn.PReLU())
        self.head = torch.nn.Parameter(torch.empty(classes, 512).uniform_(-0.06, 0.06))

    def forward(self, x):
        x = self.features(x).clamp(min=1e-6).pow(self.p).mean((2, 3)).pow(1 / self.p)
        return F.linear(F.normalize(self.neck(x)), F.normalize(self.head))


net = Net()
images = torch.randn(batch, 3, size, size)
if last:
    net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
labels = torch.randint(0, classes, (batch,))
optimiser = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, weight_decay=0.01, nesterov=True)
rows, cos_m, sin_m = torch.arange(batch), math.cos(0.3), math.sin(0.3)
times = []
for _ in range(steps):
    started = time.perf_counter()
    optimiser.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16) if bf16 else contextlib.nullcontext():
        cosines = net(images)
    cosines = cosines.float()
    target = cosines[rows, labels]
    phi = target * cos_m - (1 - target * target).clamp(min=1e-6).sqrt() * sin_m
    logits = cosines.clone()
    logits[rows, labels] = phi
    F.cross_entropy(logits * 45, labels).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
    optimiser.step()
    times.append(time.perf_counter() - started)
times = sorted(times[2:])
print(f"torch {'bf16' if bf16 else 'f32'}{' channels_last' if last else ''} {size} px batch {batch}: "
      f"{batch / times[len(times) // 2]:.2f} photos/s")
