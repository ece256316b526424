"""What the sides of the training-step benchmark share that are in Python: where they start from, and how they are timed.

python <training_step_x.py> <workload> <threads> <file> reads its initial weights, inputs and labels from the file
(training-step.workloads.mjs says in which order), and prints a line of JSON with its first losses; then, for every line that it
reads, a number of seconds, it takes steps for so long and prints their times.
"""

import json
import resource
import sys
import time

import numpy as np

CLASSES = 10
LEARNING_RATE = 0.01
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
# Keras' and tfjs' own; PyTorch's is 1e-5.
BATCH_NORM_EPSILON = 1e-3
FIRST_STEPS = 3
# Of a burst, however long they take.
LEAST_STEPS = 3

PERCEPTRONS = {"mnist": (784, 512, 512, CLASSES), "wide": (2048, 2048, 2048, CLASSES)}
INPUTS = {"mnist": (128, 784), "wide": (128, 2048), "resnet20": (64, 32, 32, 3)}
# Of ResNet-20: filters, and the stride of the first block, of each stage of three blocks.
STAGES = [(16, 1), (32, 2), (64, 2)]
BLOCKS = 3


def perceptron_shapes(widths):
    return [shape for pair in zip(widths, widths[1:]) for shape in (pair, (pair[1],))]


def resnet20_shapes():
    """Of every kernel, as height, width, input and output channels; and after it gamma and beta, or the bias."""
    shapes = []

    def convolution(size, inputs, filters):
        shapes.extend([(size, size, inputs, filters), (filters,), (filters,)])

    convolution(3, 3, 16)
    inputs = 16
    for filters, _ in STAGES:
        for _ in range(BLOCKS):
            convolution(3, inputs, filters)
            convolution(3, filters, filters)
            if inputs != filters:
                convolution(1, inputs, filters)
            inputs = filters
    return [*shapes, (inputs, CLASSES), (CLASSES,)]


def shapes_of(workload):
    return resnet20_shapes() if workload == "resnet20" else perceptron_shapes(PERCEPTRONS[workload])


def read(workload, file):
    """The weights, one array for each shape; the inputs, channels last; the labels. Refuses a file of another length."""
    shapes = shapes_of(workload)
    inputs = INPUTS[workload]
    everything = np.fromfile(file, "<f4")
    cuts = np.cumsum([int(np.prod(shape)) for shape in [*shapes, inputs]])
    *weights, examples, labels = np.split(everything, cuts)
    assert labels.size == inputs[0], f"{file} is not of {workload}: {everything.size} numbers"
    return (
        [weight.reshape(shape) for weight, shape in zip(weights, shapes)],
        examples.reshape(inputs),
        labels.astype(np.int32),
    )


def serve(version, parameters, losses, step):
    """`parameters` is their count, by the framework's own variables; `losses` those of the first steps; `step` takes one step
    and returns its loss, a number."""
    tell({"version": version, "parameters": parameters, "losses": losses})
    for line in sys.stdin:
        tell(burst(step, float(line)))


def burst(step, seconds):
    times = []
    cpu_before = time.process_time()
    started = time.perf_counter()
    end = started + seconds
    while started < end or len(times) < LEAST_STEPS:
        loss = step()
        now = time.perf_counter()
        times.append(1000 * (now - started))
        started = now
    cpu = 1000 * (time.process_time() - cpu_before)
    return {
        "samples": len(times),
        "stepMs": float(np.median(times)),
        "minMs": min(times),
        "cpuMs": cpu / len(times),
        "loss": loss,
        "peakMemoryMB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def tell(answer):
    print(json.dumps(answer), flush=True)
