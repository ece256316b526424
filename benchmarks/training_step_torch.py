"""PyTorch's side of the training-step benchmark: python3 training_step_torch.py <workload> <seconds> <threads>

The networks, the batches' shapes and the optimiser are those of training-step.worker.mjs; prints one line of JSON.
OPENBLAS_NUM_THREADS and OMP_NUM_THREADS must be set by the caller: set_num_threads does not reach a BLAS that PyTorch
was linked to as a library.
"""

import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

CLASSES = 10


def dense(inputs, *units):
    layers = []
    for i, width in enumerate(units):
        layers.append(nn.Linear(inputs, width))
        if i < len(units) - 1:
            layers.append(nn.ReLU())
        inputs = width
    return nn.Sequential(*layers)


class Block(nn.Module):
    """Two convolutions of 3 x 3 and a shortcut, which is a projection where the width changes."""

    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.main = nn.Sequential(
            convolution(inputs, filters, 3, stride),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            convolution(filters, filters, 3, 1),
            nn.BatchNorm2d(filters),
        )
        projection = nn.Sequential(convolution(inputs, filters, 1, stride), nn.BatchNorm2d(filters))
        self.shortcut = nn.Identity() if stride == 1 else projection

    def forward(self, x):
        return F.relu(self.main(x) + self.shortcut(x))


def convolution(inputs, filters, size, stride):
    return nn.Conv2d(inputs, filters, size, stride, padding=size // 2, bias=False)


def resnet20():
    layers = [convolution(3, 16, 3, 1), nn.BatchNorm2d(16), nn.ReLU()]
    inputs = 16
    for stage, filters in enumerate([16, 32, 64]):
        for block in range(3):
            layers.append(Block(inputs, filters, 2 if stage > 0 and block == 0 else 1))
            inputs = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


WORKLOADS = {
    "mnist": (128, [784], lambda: dense(784, 512, 512, 10)),
    "wide": (128, [2048], lambda: dense(2048, 2048, 2048, 10)),
    "resnet20": (64, [3, 32, 32], resnet20),
}


def main(workload, seconds, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    batch, shape, build = WORKLOADS[workload]
    model = build()
    inputs = torch.rand(batch, *shape)
    labels = torch.randint(0, CLASSES, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    losses = [step() for _ in range(3)]
    times = []
    cpu_before = time.process_time()
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        started = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - started))
    cpu = 1000 * (time.process_time() - cpu_before) / len(times)
    times.sort()
    median = times[len(times) // 2]
    print(
        json.dumps(
            {
                "side": "torch",
                "workload": workload,
                "torch": torch.__version__,
                "batch": batch,
                "samples": len(times),
                "stepMs": {"median": median, "min": times[0], "p75": times[(3 * len(times)) // 4]},
                "cpuMs": cpu,
                "examplesPerSecond": 1000 * batch / median,
                "losses": losses,
                "peakMemoryMB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
