// Batch normalisation for the wasm backend, forward and backward, with one mean, variance, scale and offset per channel
// (the last axis), as layers use it. The arithmetic is in assembly/batch-norm.ts.

import { type WasmCall, type WasmKernel, floatInput, newOutput, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { FusedGradient, KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

const BATCH_NORM_GRAD = 'FusedBatchNormGrad';

/** FusedBatchNorm: x [..., C]; mean, variance, scale?, offset? [C]; attrs { varianceEpsilon } → as x. */
function fusedBatchNorm(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x, mean, variance, scale, offset } = inputs as Record<string, tf.TensorInfo>;
    const perChannel = [mean, variance, scale, offset].every((input) => isPerChannel(input, x!));
    if (x!.dtype !== 'float32' || !perChannel) return stock(call);
    const { rows, channels } = extent(x!);
    const out = newOutput(backend, x!.shape);
    const { exports, workspace } = kernelsOf(backend);
    const factor = workspace(4 * channels);
    const scaleOffset = scale ? offsetOf(backend, scale) : 0;
    const epsilon = attrs['varianceEpsilon'] as number;
    exports.batchNormFactor(offsetOf(backend, variance!), scaleOffset, factor, channels, epsilon);
    exports.batchNorm(
      offsetOf(backend, x!),
      offsetOf(backend, mean!),
      factor,
      offset ? offsetOf(backend, offset) : 0,
      offsetOf(backend, out),
      rows,
      channels,
    );
    return out;
  };
}

/**
 * Kernel FusedBatchNormGrad: inputs dy, x [..., C]; mean, variance, scale? [C]; attrs { varianceEpsilon } → dx, taking
 * mean and variance for constants, and the sums over all but the last axis of dy and of dy · (x - mean), both [C].
 */
function fusedBatchNormGrad(call: WasmCall): tf.TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const x = floatInput(BATCH_NORM_GRAD, 'x', call);
  const { rows, channels } = extent(x);
  const dy = floatInput(BATCH_NORM_GRAD, 'dy', call, x.shape);
  const [mean, variance] = ['mean', 'variance'].map((name) =>
    floatInput(BATCH_NORM_GRAD, name, call, [channels]),
  ) as [tf.TensorInfo, tf.TensorInfo];
  const scale = inputs['scale'] ? floatInput(BATCH_NORM_GRAD, 'scale', call, [channels]) : null;
  const dx = newOutput(backend, x.shape);
  const sumDy = newOutput(backend, [channels]);
  const sumDyX = newOutput(backend, [channels]);
  const { exports, workspace } = kernelsOf(backend);
  const totals = workspace(20 * channels);
  const factor = totals + 16 * channels;
  const scaleOffset = scale ? offsetOf(backend, scale) : 0;
  const epsilon = attrs['varianceEpsilon'] as number;
  exports.batchNormFactor(offsetOf(backend, variance), scaleOffset, factor, channels, epsilon);
  exports.batchNormGradient(
    offsetOf(backend, dy),
    offsetOf(backend, x),
    offsetOf(backend, mean),
    factor,
    offsetOf(backend, dx),
    offsetOf(backend, sumDy),
    offsetOf(backend, sumDyX),
    rows,
    channels,
    totals,
  );
  return [dx, sumDy, sumDyX];
}

/**
 * The gradient function of FusedBatchNorm; null unless mean, variance and scale are per channel. With
 * r = 1 / sqrt(variance + epsilon): dMean = -r · scale · Σ dy, dVariance = -r³/2 · scale · Σ dy (x - mean),
 * dScale = r · Σ dy (x - mean), dOffset = Σ dy.
 */
const fusedBatchNormGradient: FusedGradient = (dy, saved, attrs) => {
  const [x, mean, variance, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
  const served = x.dtype === 'float32' && [mean, variance, scale].every((input) => isPerChannel(input, x));
  if (!served) return null;
  const varianceEpsilon = attrs['varianceEpsilon'] as number;
  const inputs = { dy: dy as tf.Tensor, x, mean, variance, ...(scale && { scale }) };
  const outputs = tf.engine().runKernel(BATCH_NORM_GRAD, inputs, { varianceEpsilon }) as tf.Tensor[];
  const [dx, sumDy, sumDyX] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor];
  const rsqrt = tf.rsqrt(tf.add(variance, varianceEpsilon));
  const factor = scale ? tf.mul(rsqrt, scale) : rsqrt;
  return {
    x: () => dx,
    mean: () => tf.neg(tf.mul(factor, sumDy)),
    variance: () => tf.mul(tf.mul(tf.square(rsqrt), -0.5), tf.mul(factor, sumDyX)),
    scale: () => tf.mul(rsqrt, sumDyX),
    offset: () => tf.clone(sumDy),
  };
};

function extent({ shape }: tf.TensorInfo): { rows: number; channels: number } {
  return { rows: tf.util.sizeFromShape(shape.slice(0, -1)), channels: shape.at(-1)! };
}

/** Whether an input is absent or has one float for each channel. */
function isPerChannel(input: tf.TensorInfo | null | undefined, x: tf.TensorInfo): boolean {
  if (!input) return true;
  return input.dtype === 'float32' && input.shape.length === 1 && input.shape[0] === x.shape.at(-1);
}

export const batchNorm: KernelSet = {
  replaced: { FusedBatchNorm: fusedBatchNorm },
  added: { [BATCH_NORM_GRAD]: fusedBatchNormGrad },
  gradients: { FusedBatchNorm: fusedBatchNormGradient },
};
