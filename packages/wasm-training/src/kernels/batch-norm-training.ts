// Batch normalisation in training for the wasm backend: mean, variance and result in one kernel, the gradient through all
// three in another, and the moving averages of a layer in a third. tf.layers.batchNormalization composes these of some thirty
// ops; batch-normalization-layer.ts has it call them. The arithmetic is in assembly/batch-norm-training.ts.

import {
  areGradientsDifferentiated,
  type WasmBackend,
  type WasmCall,
  floatInput,
  memoryOf,
  newOutput,
  offsetOf,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { acceleratorsOf, type Normalisation } from '../accelerators/accelerator.js';
import type { KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

const TRAINING = 'BatchNormTraining';
const GRADIENT = 'BatchNormTrainingGrad';
const MOVING_AVERAGES = 'BatchNormMovingAverages';

/**
 * x [..., C] normalised over all axes but the last, y = (x - mean) · scale / sqrt(variance + epsilon) + offset, and the mean
 * and the variance [C] of x, which is the mean of the squares. All three are differentiable by x, y by scale and offset too.
 *
 * @param scale, offset [C]
 */
export function normaliseInTraining(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon: number,
): [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  const inputs = { x, scale, offset };
  return tf.engine().runKernel(TRAINING, inputs, { epsilon }) as [tf.Tensor, tf.Tensor, tf.Tensor];
}

/** Both moving averages [C] of a layer, as they are after another batch: moving - (moving - value) · (1 - momentum). */
export function movedAverages(
  [movingMean, movingVariance]: readonly [tf.Tensor, tf.Tensor],
  [mean, variance]: readonly [tf.Tensor, tf.Tensor],
  momentum: number,
): [mean: tf.Tensor, variance: tf.Tensor] {
  const inputs = { movingMean, movingVariance, mean, variance };
  return tf.engine().runKernel(MOVING_AVERAGES, inputs, { momentum }) as [tf.Tensor, tf.Tensor];
}

/** Kernel BatchNormTraining: x [..., C]; scale, offset [C]; attrs { epsilon } → y as x; mean, variance [C]. */
function batchNormTraining(call: WasmCall): tf.TensorInfo[] {
  const { attrs, backend } = call;
  const x = floatInput(TRAINING, 'x', call);
  const normalisation = normalisationOf(x, attrs['epsilon'] as number);
  const { images, pixels, channels, epsilon } = normalisation;
  const [scale, offset] = ofChannels(TRAINING, ['scale', 'offset'], call, channels) as [number, number];
  const [y, mean, variance] = [x.shape, [channels], [channels]].map((shape) => newOutput(backend, shape)) as [
    ...[tf.TensorInfo, tf.TensorInfo, tf.TensorInfo],
  ];
  const [xAt, meanAt, varianceAt, yAt] = offsetsOf(call, [x, mean, variance, y]) as [
    ...[number, number, number, number],
  ];
  const operands = { x: xAt, y: yAt, scale, offset, mean: meanAt, variance: varianceAt };
  if (acceleratorsOf(backend).some((each) => each.normalise?.(normalisation, operands))) {
    return [y, mean, variance];
  }
  const { exports, workspace } = kernelsOf(backend);
  const totals = workspace(20 * channels);
  const factor = totals + 16 * channels;
  const rows = images * pixels;
  exports.batchNormStatistics(xAt, meanAt, varianceAt, rows, channels, totals);
  exports.batchNormFactor(varianceAt, scale, factor, channels, epsilon);
  exports.batchNorm(xAt, meanAt, factor, offset, yAt, rows, channels);
  return [y, mean, variance];
}

/**
 * Kernel BatchNormTrainingGrad: dy, x [..., C]; mean, variance, scale, dMean, dVariance [C]; attrs { epsilon } → dx as x;
 * dScale, dOffset [C].
 */
function batchNormTrainingGrad(call: WasmCall): tf.TensorInfo[] {
  const { attrs, backend } = call;
  const x = floatInput(GRADIENT, 'x', call);
  const normalisation = normalisationOf(x, attrs['epsilon'] as number);
  const { images, pixels, channels, epsilon } = normalisation;
  const dy = floatInput(GRADIENT, 'dy', call, x.shape);
  const names = ['mean', 'variance', 'scale', 'dMean', 'dVariance'];
  const statistics = ofChannels(GRADIENT, names, call, channels) as [number, number, number, number, number];
  const outputs = [x.shape, [channels], [channels]].map((shape) => newOutput(backend, shape));
  const [dyAt, xAt] = offsetsOf(call, [dy, x]) as [number, number];
  const results = offsetsOf(call, outputs) as [number, number, number];
  const [mean, variance, scale, ...gradients] = statistics;
  const [dx, dScale, dOffset] = results;
  const operands = { dy: dyAt, x: xAt, mean, variance, scale, dx, dScale, dOffset };
  // Accelerators know no gradient by mean and variance as results of their own; a layer has none.
  const isOfLayer = gradients.every((offset) => areZeros(backend, offset, channels));
  if (
    isOfLayer &&
    acceleratorsOf(backend).some((each) => each.normalisationGradient?.(normalisation, operands))
  ) {
    return outputs;
  }
  const { exports, workspace } = kernelsOf(backend);
  const totals = workspace(32 * channels);
  const rows = images * pixels;
  exports.batchNormTrainingGradient(dyAt, xAt, ...statistics, ...results, rows, channels, epsilon, totals);
  return outputs;
}

function areZeros(backend: WasmBackend, offset: number, count: number): boolean {
  return new Float32Array(memoryOf(backend).buffer, offset, count).every((value) => value === 0);
}

/** Kernel BatchNormMovingAverages: movingMean, movingVariance, mean, variance [C]; attrs { momentum } → the first two, moved. */
function batchNormMovingAverages(call: WasmCall): tf.TensorInfo[] {
  const { attrs, backend } = call;
  const [channels] = floatInput(MOVING_AVERAGES, 'mean', call, [null]).shape as [number];
  const names = ['movingMean', 'movingVariance', 'mean', 'variance'];
  const [...inputs] = ofChannels(MOVING_AVERAGES, names, call, channels);
  const { exports } = kernelsOf(backend);
  return [0, 1].map((i) => {
    const moved = newOutput(backend, [channels]);
    const decay = 1 - (attrs['momentum'] as number);
    exports.movingAverage(inputs[i]!, inputs[i + 2]!, offsetOf(backend, moved), channels, decay);
    return moved;
  });
}

/** The same results by ops that have gradients of gradients. */
function composed(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon: number,
): [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const mean = tf.mean(x, axes);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), axes);
  const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
  return [tf.add(tf.mul(centred, factor), offset), mean, variance];
}

const gradient: tf.GradFunc = (dys, saved, attrs) => {
  const [dy, dMean, dVariance] = dys as tf.Tensor[];
  const [x, scale, mean, variance] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const epsilon = attrs['epsilon'] as number;
  const gradients = areGradientsDifferentiated() ? ofComposed() : ofKernel();
  const [dx, dScale, dOffset] = gradients as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { x: () => dx, scale: () => dScale, offset: () => dOffset };

  function ofKernel(): tf.Tensor[] {
    const inputs = { dy: dy!, x, mean, variance, scale, dMean: dMean!, dVariance: dVariance! };
    return tf.engine().runKernel(GRADIENT, inputs, { epsilon }) as tf.Tensor[];
  }

  function ofComposed(): tf.Tensor[] {
    const weighted = (...inputs: tf.Tensor[]) => {
      const results = composed(...(inputs as [tf.Tensor, tf.Tensor, tf.Tensor]), epsilon);
      return tf.addN(results.map((result, i) => tf.sum(tf.mul(result, (dys as tf.Tensor[])[i]!))));
    };
    return tf.grads(weighted as (...args: tf.Tensor[]) => tf.Tensor)([x, scale, tf.zerosLike(scale)]);
  }
};

function normalisationOf({ shape }: tf.TensorInfo, epsilon: number): Normalisation {
  const channels = shape.at(-1)!;
  // Of two axes there are no images, and all rows are pixels of one.
  const [images, ...pixels] = shape.length > 2 ? shape.slice(0, -1) : [1, shape[0]!];
  return { images: images!, pixels: tf.util.sizeFromShape(pixels), channels, epsilon };
}

/** Where inputs of one float a channel begin. */
function ofChannels(kernel: string, names: readonly string[], call: WasmCall, channels: number): number[] {
  return offsetsOf(
    call,
    names.map((name) => floatInput(kernel, name, call, [channels])),
  );
}

function offsetsOf({ backend }: WasmCall, tensors: readonly tf.TensorInfo[]): number[] {
  return tensors.map((tensor) => offsetOf(backend, tensor));
}

export const batchNormInTraining: KernelSet = {
  added: {
    [TRAINING]: batchNormTraining,
    [GRADIENT]: batchNormTrainingGrad,
    [MOVING_AVERAGES]: batchNormMovingAverages,
  },
  ownGradients: {
    [TRAINING]: { inputsToSave: ['x', 'scale'], outputsToSave: [false, true, true], gradFunc: gradient },
  },
};
