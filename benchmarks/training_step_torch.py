"""PyTorch's sides of the training-step benchmark: eager, and channels first or, with a fourth argument, channels last."""

import sys
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from training_step_side import (
    BATCH_NORM_EPSILON,
    BLOCKS,
    CLASSES,
    FIRST_STEPS,
    LEARNING_RATE,
    MOMENTUM,
    PERCEPTRONS,
    STAGES,
    WEIGHT_DECAY,
    read,
    serve,
)


class Block(nn.Module):
    """Two convolutions of 3 x 3 and a shortcut, which is a projection where the width changes."""

    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.main = nn.Sequential(
            *convolution(inputs, filters, 3, stride), nn.ReLU(inplace=True), *convolution(filters, filters, 3, 1)
        )
        self.shortcut = (
            nn.Identity() if inputs == filters else nn.Sequential(*convolution(inputs, filters, 1, stride))
        )

    def forward(self, x):
        return F.relu(self.main(x) + self.shortcut(x), inplace=True)


def convolution(inputs, filters, size, stride):
    return (
        nn.Conv2d(inputs, filters, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(filters, eps=BATCH_NORM_EPSILON),
    )


def resnet20():
    layers = [*convolution(3, 16, 3, 1), nn.ReLU(inplace=True)]
    inputs = 16
    for filters, stride in STAGES:
        for block in range(BLOCKS):
            layers.append(Block(inputs, filters, stride if block == 0 else 1))
            inputs = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, CLASSES))


def perceptron(widths):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@contextmanager
def padded_as_same(model):
    """TensorFlow's `same` pads an even image at its end alone where the stride is 2; PyTorch's padding is on both sides.

    The first steps, whose losses are compared, are taken so; those that are timed as PyTorch has it.
    """
    strided = [
        m for m in model.modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2) and m.padding == (1, 1)
    ]
    hooks = [m.register_forward_pre_hook(lambda _, args: F.pad(args[0], (0, 1, 0, 1))) for m in strided]
    for m in strided:
        m.padding = (0, 0)
    yield
    for m, hook in zip(strided, hooks):
        m.padding = (1, 1)
        hook.remove()


def main(workload, threads, file, layout="channels-first"):
    torch.set_num_threads(int(threads))
    weights, inputs, labels = read(workload, file)
    model = resnet20() if workload == "resnet20" else perceptron(PERCEPTRONS[workload])
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), weights, strict=True):
            turned = {2: (1, 0), 4: (3, 2, 0, 1)}.get(weight.ndim, (0,))
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(weight.transpose(turned))))
    x = torch.from_numpy(inputs)
    if x.ndim == 4:
        # A view of what is laid out channels last, as the file has it.
        x = x.permute(0, 3, 1, 2)
        if layout == "channels-last":
            model = model.to(memory_format=torch.channels_last)
        else:
            x = x.contiguous()
    y = torch.from_numpy(labels).long()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    with padded_as_same(model):
        losses = [step() for _ in range(FIRST_STEPS)]
    count = sum(parameter.numel() for parameter in model.parameters())
    serve(f"PyTorch {torch.__version__}", count, losses, step)


main(*sys.argv[1:])
