"""The ops of the sweep in TensorFlow: what each call gives, and the gradients of a weighed sum of it.

Reads a JSON list of calls from the standard input and writes one of answers to the standard output. A call has `name`,
`inputs` (`shape`, `values`, `dtype`), `attributes` and `weights`. An answer has `values`, all outputs one after another, and
`gradients`, one for each input, null where there is none; or `absent`, where TensorFlow has no such op.
"""

import json
import os
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
# oneDNN's convolutions, as of TensorFlow 2.21, are wrong where strides are larger than the image.
os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')

import tensorflow as tf  # noqa: E402


class Absent(Exception):
    """TensorFlow has no op of that kind."""


def reducing(reduce):
    return lambda x, axis, keepDims: reduce(x, axis=axis, keepdims=keepDims)


def activated(y, activation, slopes=None):
    if activation == 'linear':
        return y
    if activation == 'leakyrelu':
        return tf.nn.leaky_relu(y, 0.2)
    if activation == 'prelu':
        return prelu(y, slopes)
    named = {'relu': tf.nn.relu, 'relu6': tf.nn.relu6, 'elu': tf.nn.elu, 'sigmoid': tf.math.sigmoid}
    return named[activation](y)


def prelu(x, alpha):
    return tf.where(x > 0, x, alpha * x)


def fused(product):
    """A product of the first two inputs, then a bias and an activation, where they are given."""

    def compute(a, b, *rest, activation, **attributes):
        y = product(a, b, **attributes)
        if rest:
            y = y + rest[0]
        return activated(y, activation, rest[1] if len(rest) > 1 else None)

    return compute


def explicit(pad, size, window, stride, dilation, rounding):
    """Paddings before and after along an axis, when they are a number, so that no window has to be cut short."""
    reach = (window - 1) * dilation + 1
    exact = (size + 2 * pad - reach) / stride + 1
    # As JavaScript rounds: halves up.
    count = {'ceil': -(-exact // 1), 'round': (exact + 0.5) // 1}.get(rounding, exact // 1)
    return [pad, max(pad, int((count - 1) * stride + reach - size - pad))]


def paddings(pad, sizes, window, strides, dilations, rounding):
    """The padding of TensorFlow's convolutions: a name, or pairs of the spatial axes."""
    if isinstance(pad, str):
        return pad.upper()
    if isinstance(pad, list):
        pairs = [pair for pair in pad]
        return pairs[1:3]
    return [
        explicit(pad, *geometry, rounding) for geometry in zip(sizes, window, strides, dilations, strict=True)
    ]


def padded(x, pad, window, strides, dilations, rounding, value=0.0):
    """Pads, where paddings are numbers: what comes out is convolved, or pooled, without any."""
    pairs = paddings(pad, x.shape[1:-1], window, strides, dilations, rounding)
    if isinstance(pairs, str):
        return x, pairs
    return tf.pad(x, [[0, 0], *pairs, [0, 0]], constant_values=value), 'VALID'


def conv2d(x, filters, strides, dilations, pad, dataFormat='NHWC', dimRoundingMode=None):
    first = dataFormat == 'NCHW'
    if first:
        x = tf.transpose(x, [0, 2, 3, 1])
        if isinstance(pad, list):
            pad = [pad[0], pad[2], pad[3], pad[1]]
    x, padding = padded(x, pad, filters.shape[:2], strides, dilations, dimRoundingMode)
    y = tf.nn.conv2d(x, filters, strides, padding, dilations=dilations)
    return tf.transpose(y, [0, 3, 1, 2]) if first else y


def depthwise_conv2d(x, filters, strides, dilations, pad, dataFormat='NHWC', dimRoundingMode=None):
    """By one convolution a channel: TensorFlow's own takes no strides that differ."""
    outputs = [
        conv2d(x[..., c : c + 1], filters[:, :, c : c + 1, :], strides, dilations, pad, 'NHWC', dimRoundingMode)
        for c in range(x.shape[-1])
    ]
    return tf.concat(outputs, -1)


def same_without_gaps(sizes, window, strides, pad):
    """tfjs moves the first window of a volume into the gap that strides leave; TensorFlow does not."""
    for size, width, stride in zip(sizes, window, strides, strict=True):
        if pad == 'same' and (-(-size // stride) - 1) * stride + width < size:
            raise Absent('windows with gaps between them, in three dimensions, lie elsewhere')


def conv3d(x, filters, strides, dilations, pad):
    if any(rate > 1 for rate in dilations):
        raise Absent('tf.nn.conv3d has no dilation on the processor')
    same_without_gaps(x.shape[1:4], filters.shape[:3], strides, pad)
    return tf.nn.conv3d(x, filters, [1, *strides, 1], pad.upper())


def conv3d_transpose(x, filters, outShape, strides, pad):
    same_without_gaps(outShape[1:4], filters.shape[:3], strides, pad)
    return tf.nn.conv3d_transpose(x, filters, outShape, strides, pad.upper())


def pool(volume, image):
    """TensorFlow's pool of volumes or of images."""
    return lambda x, window, strides, padding: (volume if len(window) == 3 else image)(x, window, strides, padding)


mean_pool = pool(
    lambda x, window, strides, padding: tf.nn.avg_pool3d(x, window, strides, padding, 'NDHWC'), tf.nn.avg_pool2d
)
max_pool = pool(
    lambda x, window, strides, padding: tf.nn.max_pool3d(x, window, strides, padding, 'NDHWC'), tf.nn.max_pool2d
)


def average(x, filterSize, strides, pad, dimRoundingMode):
    """Of what lies within the image: padding does not count."""
    if len(filterSize) == 3:
        same_without_gaps(x.shape[1:4], filterSize, strides, pad)
    if isinstance(pad, str):
        return mean_pool(x, filterSize, strides, pad.upper())
    ones = [1] * len(filterSize)
    padded_x, _ = padded(x, pad, filterSize, strides, ones, dimRoundingMode)
    counts, _ = padded(tf.ones_like(x), pad, filterSize, strides, ones, dimRoundingMode)
    sums = mean_pool(padded_x, filterSize, strides, 'VALID')
    return sums / mean_pool(counts, filterSize, strides, 'VALID')


def largest(x, filterSize, strides, pad, dimRoundingMode):
    if len(filterSize) == 3:
        same_without_gaps(x.shape[1:4], filterSize, strides, pad)
    ones = [1] * len(filterSize)
    x, padding = padded(x, pad, filterSize, strides, ones, dimRoundingMode, value=-1e9)
    return max_pool(x, filterSize, strides, padding)


def resized(kernel):
    def compute(x, size, alignCorners, halfPixelCenters):
        return kernel(
            images=x, size=size, align_corners=alignCorners, half_pixel_centers=halfPixelCenters
        )

    return compute


def batch_norm(x, mean, variance, offset, scale, epsilon):
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, epsilon)


def gather(x, indices, axis, batchDims):
    return tf.gather(x, indices, axis=axis, batch_dims=batchDims)


def segment_sum(x, ids, segments):
    return tf.math.unsorted_segment_sum(x, ids, segments)


def labelled(loss):
    return lambda labels, x: loss(tf.cast(labels, tf.float32), x)


def huber(labels, x):
    error = tf.abs(x - labels)
    return tf.reduce_mean(tf.where(error <= 1, 0.5 * error**2, error - 0.5))


def log_loss(labels, x):
    return tf.reduce_mean(-labels * tf.math.log(x + 1e-7) - (1 - labels) * tf.math.log(1 - x + 1e-7))


ELEMENTWISE = {
    'acos': tf.acos, 'acosh': tf.acosh, 'asin': tf.asin, 'asinh': tf.asinh, 'atan': tf.atan, 'atanh': tf.atanh,
    'cos': tf.cos, 'cosh': tf.cosh, 'erf': tf.math.erf, 'exp': tf.exp, 'expm1': tf.math.expm1, 'log': tf.math.log,
    'log1p': tf.math.log1p, 'logSigmoid': tf.math.log_sigmoid, 'neg': tf.negative, 'reciprocal': tf.math.reciprocal,
    'rsqrt': tf.math.rsqrt, 'sigmoid': tf.sigmoid, 'sin': tf.sin, 'sinh': tf.sinh, 'softplus': tf.math.softplus,
    'sqrt': tf.sqrt, 'square': tf.square, 'tan': tf.tan, 'tanh': tf.tanh, 'abs': tf.abs, 'elu': tf.nn.elu,
    'relu': tf.nn.relu, 'selu': tf.nn.selu, 'relu6': tf.nn.relu6, 'ceil': tf.math.ceil, 'floor': tf.math.floor,
    'round': tf.round, 'sign': tf.sign, 'onesLike': tf.ones_like, 'zerosLike': tf.zeros_like,
    'identity': tf.identity, 'cast': tf.identity,
    'isFinite': lambda x: tf.cast(tf.math.is_finite(x), tf.float32),
    'isInf': lambda x: tf.cast(tf.math.is_inf(x), tf.float32),
    'isNaN': lambda x: tf.cast(tf.math.is_nan(x), tf.float32),
    'mulByItself': lambda x: x * x,
}  # fmt: skip

OPS = {
    **ELEMENTWISE,
    'step': lambda x: tf.where(x > 0, 1.0, 0.25),
    'leakyRelu': lambda x, alpha: tf.nn.leaky_relu(x, alpha),
    'clipByValue': lambda x, low, high: tf.clip_by_value(x, low, high),
    'add': tf.add,
    'sub': tf.subtract,
    'mul': tf.multiply,
    'div': tf.divide,
    'divNoNan': tf.math.divide_no_nan,
    'squaredDifference': tf.math.squared_difference,
    'pow': tf.pow,
    'powOfConstant': lambda a, exponent: tf.pow(a, float(exponent)),
    'atan2': tf.atan2,
    'maximum': tf.maximum,
    'minimum': tf.minimum,
    'greaterEqual': lambda a, b: tf.cast(a >= b, tf.float32),
    'mod': tf.math.floormod,
    'floorDiv': tf.math.floordiv,
    'prelu': prelu,
    'where': lambda condition, a, b: tf.where(condition, a, b),
    'addN': lambda *xs: tf.add_n(list(xs)),
    'sum': reducing(tf.reduce_sum),
    'mean': reducing(tf.reduce_mean),
    'prod': reducing(tf.reduce_prod),
    'max': reducing(tf.reduce_max),
    'min': reducing(tf.reduce_min),
    'logSumExp': reducing(tf.reduce_logsumexp),
    'variance': reducing(tf.math.reduce_variance),
    'norm1': lambda x, axis, keepDims: tf.norm(x, 1, axis=axis, keepdims=keepDims),
    'norm2': lambda x, axis, keepDims: tf.norm(x, 2, axis=axis, keepdims=keepDims),
    'softmax': lambda x, axis: tf.nn.softmax(x, axis),
    'logSoftmax': lambda x, axis: tf.nn.log_softmax(x, axis),
    'cumsum': lambda x, axis, exclusive, reverse: tf.cumsum(x, axis, exclusive, reverse),
    'reshape': lambda x, to: tf.reshape(x, to),
    'expandDims': lambda x, axis: tf.expand_dims(x, axis),
    'transpose': lambda x, perm: tf.transpose(x, perm),
    'reverse': lambda x, axis: tf.reverse(x, axis),
    'tile': lambda x, reps: tf.tile(x, reps),
    'broadcastTo': lambda x, to: tf.broadcast_to(x, to),
    'concat': lambda *parts, axis: tf.concat(list(parts), axis),
    'stack': lambda *parts, axis: tf.stack(list(parts), axis),
    'unstack': lambda x, axis: tf.unstack(x, axis=axis),
    'split': lambda x, sizes, axis: tf.split(x, sizes, axis),
    'splitFirst': lambda x, axis: tf.split(x, 2, axis)[0],
    'slice': lambda x, begin, size: tf.slice(x, begin, size),
    'pad': lambda x, paddings, value: tf.pad(x, paddings, constant_values=value),
    'mirrorPad': lambda x, paddings, mode: tf.pad(x, paddings, mode.upper()),
    'spaceToBatchND': lambda x, block, paddings: tf.space_to_batch(x, block, paddings),
    'batchToSpaceND': lambda x, block, crops: tf.batch_to_space(x, block, crops),
    'gather': gather,
    'unsortedSegmentSum': segment_sum,
    'matMul': lambda a, b, transposeA, transposeB: tf.matmul(a, b, transposeA, transposeB),
    'fusedMatMul': fused(lambda a, b, transposeA, transposeB: tf.matmul(a, b, transposeA, transposeB)),
    'einsum': lambda *xs, equation: tf.einsum(equation, *xs),
    'conv2d': conv2d,
    'depthwiseConv2d': depthwise_conv2d,
    'fusedConv2d': fused(conv2d),
    'fusedDepthwiseConv2d': fused(depthwise_conv2d),
    'separableConv2d': lambda x, d, p, **attributes: tf.nn.conv2d(depthwise_conv2d(x, d, **attributes), p, 1, 'VALID'),
    'conv1d': lambda x, w, stride, dilation, pad: tf.nn.conv1d(x, w, stride, pad.upper(), dilations=dilation),
    'conv2dTranspose': lambda x, w, outShape, strides, pad: tf.nn.conv2d_transpose(x, w, outShape, strides, pad.upper()),
    'conv3d': conv3d,
    'conv3dTranspose': conv3d_transpose,
    'avgPool': average,
    'avgPool3d': average,
    'maxPool': largest,
    'maxPool3d': largest,
    'avgPoolDilated': lambda x, window, strides, dilations: tf.nn.pool(x, window, 'AVG', strides, 'VALID', dilations=dilations),
    'maxPoolDilated': lambda x, window, strides, dilations: tf.nn.pool(x, window, 'MAX', strides, 'VALID', dilations=dilations),
    'dilation2d': lambda x, w, strides, dilations, pad: tf.nn.dilation2d(x, w, [1, *strides, 1], pad.upper(), 'NHWC', [1, *dilations, 1]),
    'resizeBilinear': resized(tf.raw_ops.ResizeBilinear),
    'resizeNearestNeighbor': resized(tf.raw_ops.ResizeNearestNeighbor),
    'batchNorm': batch_norm,
    'batchNormAlongAxis': batch_norm,
    'localResponseNormalization': lambda x, depthRadius, **rest: tf.nn.local_response_normalization(x, depthRadius, **rest),
    'softmaxCrossEntropy': labelled(lambda y, x: tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, x))),
    'sigmoidCrossEntropy': labelled(lambda y, x: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, x))),
    'huberLoss': labelled(huber),
    'hingeLoss': labelled(lambda y, x: tf.reduce_mean(tf.nn.relu(1 - (2 * y - 1) * x))),
    'logLoss': labelled(log_loss),
    'meanSquaredError': labelled(lambda y, x: tf.reduce_mean((y - x) ** 2)),
    'absoluteDifference': labelled(lambda y, x: tf.reduce_mean(tf.abs(y - x))),
    'cosineDistance': labelled(lambda y, x: tf.reduce_mean(1 - tf.reduce_sum(y * x, 1))),
}  # fmt: skip


def tensor(described):
    numbers = tf.float32 if described['dtype'] == 'float32' else tf.int32
    return tf.cast(tf.constant(described['values'], numbers, described['shape']), getattr(tf, described['dtype']))


def attributes_of(call):
    """With one number an axis, where there is one for all."""
    axes = 3 if '3d' in call['name'] else 2
    per_axis = ('strides', 'dilations', 'filterSize')
    return {
        name: [value or 1] * axes if name in per_axis and not isinstance(value, list) else value
        for name, value in call['attributes'].items()
    }


def answer(call):
    compute = OPS.get(call['name'])
    if compute is None:
        return {'absent': 'no such op'}
    inputs = [tensor(described) for described in call['inputs']]
    try:
        with tf.GradientTape() as tape:
            tape.watch([x for x in inputs if x.dtype == tf.float32])
            # tfjs makes a number of whole numbers beside float32; TensorFlow does not.
            mixed = [x if call['name'] in INDEXED or x.dtype == tf.float32 else tf.cast(x, tf.float32) for x in inputs]
            out = compute(*mixed, **attributes_of(call))
            outputs = list(out) if isinstance(out, (list, tuple)) else [out]
            flat = tf.concat([tf.reshape(y, [-1]) for y in outputs], 0)
            weighed = tf.reduce_sum(flat * tf.constant(call['weights'], tf.float32, flat.shape))
        float_inputs = [x for x in inputs if x.dtype == tf.float32]
        found = iter(tape.gradient(weighed, float_inputs, unconnected_gradients='zero'))
        gradients = [next(found) if x.dtype == tf.float32 else None for x in inputs]
    except Absent as reason:
        return {'absent': str(reason)}
    except (tf.errors.OpError, ValueError, TypeError) as error:
        return {'absent': str(error)}
    return {
        'values': flat.numpy().tolist(),
        'gradients': [
            None if g is None else tf.reshape(tf.convert_to_tensor(g), [-1]).numpy().tolist() for g in gradients
        ],
    }


INDEXED = {'gather', 'unsortedSegmentSum', 'where'}

if __name__ == '__main__':
    # NaN and infinities are null: JSON has no other word for them.
    def finite(values):
        return [v if v == v and abs(v) != float('inf') else None for v in values]

    answers = []
    for call in json.load(sys.stdin):
        given = answer(call)
        if 'values' in given:
            given['values'] = finite(given['values'])
            given['gradients'] = [g if g is None else finite(g) for g in given['gradients']]
        answers.append(given)
    json.dump(answers, sys.stdout)
