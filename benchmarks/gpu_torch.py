"""PyTorch's side of the GPU benchmark: the same networks and products, float32, on the same card.

Reads requests and writes answers as lines of JSON; gpu-torch.mjs asks. Times are those of completed work.
"""

import json
import sys
import time

import torch
import torch.nn.functional as functional
from torch import nn

DEVICE = "cuda"
MOMENTUM, WEIGHT_DECAY, LEARNING_RATE = 0.9, 5e-4, 0.01


def perceptron(sizes, **_):
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Block(nn.Module):
    """Two convolutions and the shortcut beside them."""

    def __init__(self, inputs, filters, stride, shortcuts):
        super().__init__()
        self.stride, self.added = stride, filters - inputs
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        changes = stride != 1 or self.added != 0
        self.projection = None
        if changes and shortcuts == "projected":
            self.projection = nn.Sequential(
                nn.Conv2d(inputs, filters, 1, stride, bias=False), nn.BatchNorm2d(filters)
            )

    def shortcut(self, x):
        if self.projection is not None:
            return self.projection(x)
        if self.stride != 1:
            x = x[:, :, :: self.stride, :: self.stride]
        half = self.added // 2
        return functional.pad(x, (0, 0, 0, 0, half, self.added - half)) if self.added else x

    def forward(self, x):
        inner = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(inner)) + self.shortcut(x))


def resnet(inputShape, classes, stem, stages, shortcuts, **_):
    filters = stages[0]["filters"]
    size, stride = (7, 2) if stem == "large" else (3, 1)
    layers = [
        nn.Conv2d(inputShape[2], filters, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
    ]
    if stem == "large":
        layers.append(nn.MaxPool2d(3, 2, 1))
    inputs = filters
    for index, stage in enumerate(stages):
        for block in range(stage["blocks"]):
            stride = 2 if index > 0 and block == 0 else 1
            layers.append(Block(inputs, stage["filters"], stride, shortcuts))
            inputs = stage["filters"]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)]
    return nn.Sequential(*layers)


def training(batch, inputShape, network, **_):
    """A training step: momentum and weight decay as ours, the loss not read."""
    model = {"perceptron": perceptron, "resnet": resnet}[network["kind"]](**network).to(DEVICE)
    shape = inputShape if len(inputShape) == 1 else [inputShape[2], *inputShape[:2]]
    inputs = torch.randn(batch, *shape, device=DEVICE)
    classes = network["sizes"][-1] if "sizes" in network else network["classes"]
    labels = torch.randint(classes, (batch,), device=DEVICE)
    optimizer = torch.optim.SGD(
        model.parameters(), LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )

    def step():
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()

    return step


def product(product, batch, matrixShape, **_):
    n, m = matrixShape
    x = torch.randn(batch, n, device=DEVICE)
    dy = torch.randn(batch, m, device=DEVICE)
    w = torch.randn(n, m, device=DEVICE)
    return {"y = x·W": lambda: x @ w, "dy·Wᵀ": lambda: dy @ w.T, "xᵀ·dy": lambda: x.T @ dy}[product]


def burst_ms(run, times):
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(times):
        run()
    torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - started) / times


def answer(**fields):
    print(json.dumps(fields), flush=True)


def main():
    if not torch.cuda.is_available():
        answer(error=f"PyTorch {torch.__version__} sees no GPU")
        return
    # Float32 against float32: neither products nor convolutions in TF32.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    answer(version=torch.__version__, device=torch.cuda.get_device_name())
    run, times = None, 1
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["task"] == "burst":
                answer(ms=burst_ms(run, times))
                continue
            run = None  # frees what was before
            torch.cuda.empty_cache()
            make = {"training": training, "product": product}[request.pop("task")]
            milliseconds = request.pop("milliseconds")
            run = make(**request)
            burst_ms(run, 5)
            times = max(1, round(milliseconds / burst_ms(run, 1)))
            answer(ready=True)
        except Exception as error:  # told to the one who asked, who goes on or stops
            answer(error=f"{type(error).__name__}: {error}".split("\n")[0])


if __name__ == "__main__":
    main()
