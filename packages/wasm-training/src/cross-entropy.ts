// The loss of a classifier: tf.losses.softmaxCrossEntropy is some thirty ops of a few microseconds each, forward and back,
// on wasm one kernel and one for its gradient (assembly/cross-entropy.ts).

import { type WasmCall, memoryOf, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { kernelsOf } from './kernels.js';

export const SOFTMAX_CROSS_ENTROPY = 'SoftmaxCrossEntropy';
export const SOFTMAX_CROSS_ENTROPY_GRAD = 'SoftmaxCrossEntropyGrad';

/**
 * The mean over the batch of -Σ_j labels[j] · log softmax(logits)[j]. It is what `tf.losses.softmaxCrossEntropy` gives
 * by default, and serves as the `loss` of `model.compile` for a model that ends in logits, without class or sample
 * weights. It runs on every backend, and is differentiable by both.
 *
 * @param labels [batch, classes]: one-hot, or the probability of each class
 * @param logits [batch, classes]
 * @returns a scalar; 0 for an empty batch
 * @throws if the shapes differ or are not of two axes
 */
export function softmaxCrossEntropy(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  if (labels.rank !== 2 || !tf.util.arraysEqual(labels.shape, logits.shape)) {
    throw new Error(
      `softmaxCrossEntropy: labels and logits must both be [batch, classes], got [${labels.shape}] and ` +
        `[${logits.shape}]. Class indices become labels by tf.oneHot.`,
    );
  }
  return tf.tidy(() => {
    const inputs = { labels: asFloat(labels), logits: asFloat(logits) };
    if (!tf.getKernel(SOFTMAX_CROSS_ENTROPY, tf.getBackend())) return composed(inputs.labels, inputs.logits);
    return tf.engine().runKernel(SOFTMAX_CROSS_ENTROPY, inputs) as tf.Scalar;
  });
}

/** `toFloat` runs a kernel also where there is nothing to cast, and another in the gradient. */
function asFloat(x: tf.Tensor): tf.Tensor {
  return x.dtype === 'float32' ? x : x.toFloat();
}

function composed(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  const batch = Math.max(1, labels.shape[0]!);
  return labels.mul(logits.logSoftmax()).sum().div(-batch);
}

/** Kernel SoftmaxCrossEntropy: labels and logits [batch, classes] → their cross-entropy's mean, a scalar. */
export function softmaxCrossEntropyKernel({ inputs, backend }: WasmCall): tf.TensorInfo {
  const { labels, logits } = inputs as Record<string, tf.TensorInfo>;
  const [rows, columns] = logits!.shape as [number, number];
  const out = backend.makeOutput([], 'float32');
  const { exports } = kernelsOf(backend);
  const sum = exports.crossEntropy(offsetOf(backend, labels!), offsetOf(backend, logits!), rows, columns);
  new Float32Array(memoryOf(backend).buffer, offsetOf(backend, out), 1)[0] = sum / Math.max(1, rows);
  return out;
}

/** Kernel SoftmaxCrossEntropyGrad: dy, a scalar, labels and logits → the gradient by the logits. */
export function softmaxCrossEntropyGradKernel({ inputs, backend }: WasmCall): tf.TensorInfo {
  const { dy, labels, logits } = inputs as Record<string, tf.TensorInfo>;
  const [rows, columns] = logits!.shape as [number, number];
  const dLogits = backend.makeOutput([rows, columns], 'float32');
  const { exports } = kernelsOf(backend);
  const offsets = [labels!, logits!, dLogits].map((x) => offsetOf(backend, x)) as [number, number, number];
  const flow = new Float32Array(memoryOf(backend).buffer, offsetOf(backend, dy!), 1)[0]!;
  exports.crossEntropyGrad(...offsets, rows, columns, flow / Math.max(1, rows));
  return dLogits;
}

/** By the logits in one kernel, unless the gradient is itself differentiated; by the labels in ops of tfjs. */
export function registerCrossEntropyGradient(): void {
  tf.registerGradient({
    kernelName: SOFTMAX_CROSS_ENTROPY,
    inputsToSave: ['labels', 'logits'],
    gradFunc: (flow, saved) => {
      const dy = flow as tf.Tensor;
      const [labels, logits] = saved as [tf.Tensor, tf.Tensor];
      const perExample = () => dy.div(Math.max(1, labels.shape[0]!));
      const fused = tf.engine().state.gradientDepth === 0;
      return {
        labels: () => logits.logSoftmax().neg().mul(perExample()),
        logits: () =>
          fused
            ? (tf.engine().runKernel(SOFTMAX_CROSS_ENTROPY_GRAD, { dy, labels, logits }) as tf.Tensor)
            : logits.softmax().mul(labels.sum(1, true)).sub(labels).mul(perExample()),
      };
    },
  });
}
