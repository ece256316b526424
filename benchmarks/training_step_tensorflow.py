"""TensorFlow's side of the training-step benchmark: Keras' layers and TensorFlow's momentum, in a graph of tf.function.

Two things are TensorFlow's ops, not Keras' compositions, for they are faster: batch normalisation (a ResNet-20 step takes
0.57 times as long) and the optimiser's step.
"""

import sys

import tensorflow as tf
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

AVERAGING = 0.99
layers = tf.keras.layers


class BatchNormalization(layers.Layer):
    """TensorFlow's fused op; Keras 3 composes its own of a dozen."""

    def build(self, shape):
        channels = (shape[-1],)
        self.gamma = self.add_weight(shape=channels, initializer="ones")
        self.beta = self.add_weight(shape=channels, initializer="zeros")
        self.mean = self.add_weight(shape=channels, initializer="zeros", trainable=False)
        self.variance = self.add_weight(shape=channels, initializer="ones", trainable=False)

    def call(self, x):
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x, self.gamma.value, self.beta.value, epsilon=BATCH_NORM_EPSILON, is_training=True
        )
        for average, new in ((self.mean.value, mean), (self.variance.value, variance)):
            average.assign_sub((1 - AVERAGING) * (average - new))
        return y


def perceptron(widths):
    """The model, and its layers with weights, in the order of the file."""
    activations = [*["relu"] * (len(widths) - 2), None]
    made = [layers.Dense(units, activation) for units, activation in zip(widths[1:], activations)]
    return tf.keras.Sequential([layers.Input((widths[0],)), *made]), made


def resnet20():
    """The model, and its layers with weights, in the order of the file."""
    made = []

    def convolution(x, filters, size, stride):
        made.append(layers.Conv2D(filters, size, stride, padding="same", use_bias=False))
        made.append(BatchNormalization())
        return made[-1](made[-2](x))

    image = layers.Input((32, 32, 3))
    x = layers.ReLU()(convolution(image, 16, 3, 1))
    inputs = 16
    for filters, first_stride in STAGES:
        for block in range(BLOCKS):
            stride = first_stride if block == 0 else 1
            main = layers.ReLU()(convolution(x, filters, 3, stride))
            main = convolution(main, filters, 3, 1)
            shortcut = x if inputs == filters else convolution(x, filters, 1, stride)
            x = layers.ReLU()(layers.Add()([main, shortcut]))
            inputs = filters
    made.append(layers.Dense(CLASSES))
    return tf.keras.Model(image, made[-1](layers.GlobalAveragePooling2D()(x))), made


def main(workload, threads, file):
    tf.config.threading.set_intra_op_parallelism_threads(int(threads))
    tf.config.threading.set_inter_op_parallelism_threads(int(threads))
    weights, inputs, labels = read(workload, file)
    model, made = resnet20() if workload == "resnet20" else perceptron(PERCEPTRONS[workload])
    # Their variables themselves: Keras wraps them.
    variables = [variable.value for layer in made for variable in layer.trainable_variables]
    for variable, weight in zip(variables, weights, strict=True):
        variable.assign(weight)
    slots = [tf.Variable(tf.zeros_like(variable)) for variable in variables]

    @tf.function
    def train(x, y):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(losses)
        for variable, slot, gradient in zip(variables, slots, tape.gradient(loss, variables)):
            # What tf.compat.v1.train.MomentumOptimizer does: one op for each variable. Keras' own takes four.
            tf.raw_ops.ResourceApplyMomentum(
                var=variable.handle,
                accum=slot.handle,
                lr=LEARNING_RATE,
                grad=gradient + WEIGHT_DECAY * variable,
                momentum=MOMENTUM,
            )
        return loss

    x, y = tf.constant(inputs), tf.constant(labels)

    def step():
        return float(train(x, y))

    losses = [step() for _ in range(FIRST_STEPS)]
    count = sum(int(tf.size(variable)) for variable in variables)
    serve(f"TensorFlow {tf.__version__}", count, losses, step)


main(*sys.argv[1:])
