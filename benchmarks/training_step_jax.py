"""JAX's side of the training-step benchmark: a whole step under jit, which makes weights and slots anew in their memory."""

import sys
from functools import partial

import jax
import jax.numpy as jnp
from training_step_side import (
    BATCH_NORM_EPSILON,
    BLOCKS,
    FIRST_STEPS,
    LEARNING_RATE,
    MOMENTUM,
    STAGES,
    WEIGHT_DECAY,
    read,
    serve,
)

AVERAGING = 0.99


def perceptron(weights, averages, x):
    """Logits, and the averages, of which there are none."""
    *hidden, (kernel, bias) = zip(weights[::2], weights[1::2])
    for each, offset in hidden:
        x = jax.nn.relu(x @ each + offset)
    return x @ kernel + bias, averages


def resnet20(weights, averages, x):
    """Logits, and the moving averages of the batch normalisations, which a training keeps."""
    given, kept = iter(weights), iter(averages)
    moved = []

    def convolution(x, stride):
        kernel, gamma, beta = next(given), next(given), next(given)
        x = jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        for average, new in zip(next(kept), (mean, variance)):
            moved.append(AVERAGING * average + (1 - AVERAGING) * new)
        return (x - mean) * (jax.lax.rsqrt(variance + BATCH_NORM_EPSILON) * gamma) + beta

    x = jax.nn.relu(convolution(x, 1))
    inputs = 16
    for filters, first_stride in STAGES:
        for block in range(BLOCKS):
            stride = first_stride if block == 0 else 1
            main = convolution(jax.nn.relu(convolution(x, stride)), 1)
            shortcut = x if inputs == filters else convolution(x, stride)
            x = jax.nn.relu(main + shortcut)
            inputs = filters
    kernel, bias = given
    return x.mean((1, 2)) @ kernel + bias, list(zip(moved[::2], moved[1::2]))


def main(workload, _threads, file):
    """Threads are those of the processors that the process may run on."""
    weights, inputs, labels = (jax.tree.map(jnp.asarray, part) for part in read(workload, file))
    network = resnet20 if workload == "resnet20" else perceptron
    gammas = [] if workload != "resnet20" else [w for w in weights[:-2][1::3]]
    averages = [(jnp.zeros_like(gamma), jnp.ones_like(gamma)) for gamma in gammas]

    def loss_of(weights, averages, x, y):
        logits, moved = network(weights, averages, x)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean(), moved

    @partial(jax.jit, donate_argnums=0)
    def train(state, x, y):
        weights, slots, averages = state
        (loss, averages), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights, averages, x, y)
        decayed = [gradient + WEIGHT_DECAY * weight for gradient, weight in zip(gradients, weights)]
        slots = [MOMENTUM * slot + gradient for slot, gradient in zip(slots, decayed)]
        weights = [weight - LEARNING_RATE * slot for weight, slot in zip(weights, slots)]
        return (weights, slots, averages), loss

    state = (weights, [jnp.zeros_like(weight) for weight in weights], averages)

    def step():
        nonlocal state
        state, loss = train(state, inputs, labels)
        jax.block_until_ready(state)
        return float(loss)

    count = sum(weight.size for weight in state[0])
    losses = [step() for _ in range(FIRST_STEPS)]
    serve(f"JAX {jax.__version__}", count, losses, step)


main(*sys.argv[1:])
