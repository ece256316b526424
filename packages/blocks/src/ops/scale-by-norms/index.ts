/**
 * Kept blocks scaled by a function of their own norm, `g(‖V_b‖) V_b`, or each of their weights by one of its own size,
 * `g(|V|) V`, in one pass over the matrix; and the gradients in another. By the ops that each is made of it would be nine.
 *
 * The norm is that of `wholeBlockNorms`.
 */
import * as tf from '@tensorflow/tfjs';

import { assertOptions, numberIn, oneOf, required } from '../../arguments.js';
import { assertTensor } from '../../assert-tensor.js';
import { blockSize } from '../../grid.js';
import { ZERO_NORM } from '../../norm-floor.js';
import { areGradientsDifferentiated, defineOperation, type OperationInputs } from '../../operation.js';
import { assertTrainingMask, type MaskAttribute, type TrainingMask } from '../../training-mask.js';
import { keepBlocks } from '../keep-blocks/index.js';
import { blockDot, scaleBlocks, wholeBlockNorms } from '../scale-blocks/index.js';

/** What norms, or sizes, are taken of. */
export type NormsOf = 'blocks' | 'weights';

export interface PowerOptions {
  /** p, above 0, at most 64. */
  readonly power: number;
  readonly of: NormsOf;
}

export interface ThresholdOptions {
  /** What is left at least, from 0 and under 1. */
  readonly leak: number;
  readonly of: NormsOf;
}

export type PowerAttributes = PowerOptions & MaskAttribute;
export type ThresholdAttributes = ThresholdOptions & MaskAttribute;

/**
 * `‖V_b‖^p V_b`, or `|V|^p V`, at the kept blocks; zeros elsewhere. A block of zeros has scale and gradient 0.
 *
 * @param matrix `[n, m]`
 * @throws TypeError, RangeError for a matrix that is not of the mask's grid, and for options out of range
 */
export function scaleByPower(matrix: tf.Tensor2D, mask: TrainingMask, options: PowerOptions): tf.Tensor2D {
  assertTrainingMask(mask, 'scaleByPower()');
  assertTensor(matrix, mask.grid.matrixShape, 'matrix', 'the mask');
  assertOptions('scaleByPower()', options, {
    power: required(numberIn('(0, 64]', 'a power')),
    of: required(oneOf('blocks', 'weights')),
  });
  const own = { ...options, mask };
  return mask.isNarrow ? tf.tidy(() => composedPower({ matrix }, own)) : powered({ matrix }, own);
}

/** The factors of `scaleByPower` alone: `[R, C]` of blocks, `[n, m]` of weights. */
function powerOf(norms: tf.Tensor2D, { power, of }: PowerOptions): tf.Tensor2D {
  const powers = norms.pow<tf.Tensor2D>(power);
  return of === 'weights' ? powers : powers.mul(norms.sub(ZERO_NORM).step());
}

/**
 * `max(1 − t / ‖V_b‖, leak) V_b`, or `sign(V) max(|V| − t, leak |V|)`, at the kept blocks; zeros elsewhere.
 *
 * @param matrix `[n, m]`
 * @param threshold t, a scalar from 0 on; there is a gradient by it
 * @throws TypeError, RangeError for tensors that do not fit, and for options out of range
 */
export function scaleByThreshold(
  matrix: tf.Tensor2D,
  threshold: tf.Tensor,
  mask: TrainingMask,
  options: ThresholdOptions,
): tf.Tensor2D {
  assertTrainingMask(mask, 'scaleByThreshold()');
  assertTensor(matrix, mask.grid.matrixShape, 'matrix', 'the mask');
  assertTensor(threshold, [], 'threshold', 'a threshold');
  assertOptions('scaleByThreshold()', options, {
    leak: required(numberIn('[0, 1)', 'what is left at least')),
    of: required(oneOf('blocks', 'weights')),
  });
  const own = { ...options, mask };
  const inputs = { matrix, threshold };
  return mask.isNarrow ? tf.tidy(() => composedThreshold(inputs, own)) : shrunk(inputs, own);
}

function composedPower({ matrix }: OperationInputs, attributes: PowerAttributes): tf.Tensor2D {
  const { mask, of, power } = attributes;
  const raw = matrix as tf.Tensor2D;
  if (of === 'weights') return keepBlocks(signedPower(raw, power), mask);
  return scaleBlocks(raw, mask.masked(powerOf(wholeBlockNorms(raw, mask.grid), attributes)), mask.grid);
}

/** `|x|^p x`, with its derivative `(p + 1) |x|^p`: that which tfjs derives of a power is not finite at 0. */
function signedPower(x: tf.Tensor2D, power: number): tf.Tensor2D {
  return tf.customGrad((v, save) => {
    (save as tf.GradSaveFunc)([v as tf.Tensor]);
    return {
      value: (v as tf.Tensor).mul((v as tf.Tensor).abs().pow(power)),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        dy.mul(
          saved!
            .abs()
            .pow(power)
            .mul(power + 1),
        ),
    };
  })(x) as tf.Tensor2D;
}

function composedPowerGradient({ dy, matrix }: OperationInputs, attributes: PowerAttributes): tf.Tensor2D {
  const { mask, of, power } = attributes;
  const [flow, raw] = [dy as tf.Tensor2D, matrix as tf.Tensor2D];
  if (of === 'weights') {
    const slope = raw
      .abs()
      .pow(power)
      .mul(power + 1);
    return keepBlocks(flow.mul(slope), mask);
  }
  const norms = wholeBlockNorms(raw, mask.grid);
  const factors = powerOf(norms, attributes);
  const slopes = factors.mul(power).div<tf.Tensor2D>(norms);
  return gradientByNorms(flow, raw, { norms, factors, slopes }, mask);
}

function composedThreshold(
  { matrix, threshold }: OperationInputs,
  { mask, of, leak }: ThresholdAttributes,
): tf.Tensor2D {
  const raw = matrix as tf.Tensor2D;
  if (of === 'blocks') {
    const norms = wholeBlockNorms(raw, mask.grid);
    const factors = tf.sub<tf.Tensor2D>(1, threshold!.div(norms)).maximum<tf.Tensor2D>(leak);
    return scaleBlocks(raw, mask.masked(factors), mask.grid);
  }
  const size = raw.abs();
  return keepBlocks(signOf(raw).mul(larger(size.sub(threshold!), size.mul(leak))), mask);
}

/** The larger of both, the first of equal ones; its gradient has one, which that of tfjs' maximum has not. */
function larger(a: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  return tf.customGrad((x, y, save) => {
    (save as tf.GradSaveFunc)([x as tf.Tensor, y as tf.Tensor]);
    return {
      value: (x as tf.Tensor).maximum(y as tf.Tensor),
      gradFunc: (dy: tf.Tensor, [first, second]: tf.Tensor[]) => {
        const passes = isAtLeast(first as tf.Tensor2D, second!);
        return [dy.mul(passes), dy.mul(tf.sub(1, passes))];
      },
    };
  })(a, b) as tf.Tensor2D;
}

function composedThresholdGradients(
  { dy, matrix, threshold }: OperationInputs,
  { mask, of, leak }: ThresholdAttributes,
): [tf.Tensor2D, tf.Tensor] {
  const [flow, raw] = [dy as tf.Tensor2D, matrix as tf.Tensor2D];
  if (of === 'blocks') {
    const norms = wholeBlockNorms(raw, mask.grid);
    const left = tf.sub<tf.Tensor2D>(1, threshold!.div(norms));
    const passes = isAtLeast(left, tf.scalar(leak));
    const slopes = threshold!.div(norms.square()).mul<tf.Tensor2D>(passes);
    const dots = mask.masked(blockDot(flow, raw, mask.grid));
    return [
      gradientByNorms(flow, raw, { norms, factors: left.maximum(leak), slopes }, mask),
      dots.mul(passes).div(norms).sum().neg().reshape(threshold!.shape),
    ];
  }
  const size = raw.abs();
  const passes = isAtLeast(size.sub(threshold!), size.mul(leak));
  const flows = keepBlocks(flow, mask);
  return [
    flows.mul(passes.mul(1 - leak).add(leak)),
    flows.mul(passes).mul(signOf(raw)).sum().neg().reshape(threshold!.shape),
  ];
}

/** Of zero, −1, which tfjs derives |V| to: one of the ends of what is valid there, and what is there can grow. */
function signOf(raw: tf.Tensor2D): tf.Tensor2D {
  return raw.step(-1);
}

/** 1 or 0, of an op that has a gradient, of zeros. */
function isAtLeast(a: tf.Tensor2D, b: tf.Tensor): tf.Tensor2D {
  return tf.sub(1, b.sub(a).step());
}

/** `g dy + g' <dy, V_b> ∂‖V_b‖/∂V`, of ops that have gradients. */
function gradientByNorms(
  flow: tf.Tensor2D,
  raw: tf.Tensor2D,
  { norms, factors, slopes }: Readonly<Record<'norms' | 'factors' | 'slopes', tf.Tensor2D>>,
  mask: TrainingMask,
): tf.Tensor2D {
  const { grid } = mask;
  const dots = blockDot(flow, raw, grid);
  // ∂‖V_b‖/∂V is V / ‖V_b‖, for a ragged block times the share by which its squares were raised.
  const share = sharesOf(mask);
  const pull = slopes.mul(dots).div<tf.Tensor2D>(norms).mul<tf.Tensor2D>(share);
  const moves = norms.sub<tf.Tensor2D>(ZERO_NORM).step();
  return scaleBlocks(flow, mask.masked(factors), grid).add(
    scaleBlocks(raw, mask.masked(pull.mul(moves)), grid),
  );
}

/** How many times as large as a block at a ragged edge a whole one is, `[R, C]`; a scalar where all are whole. */
function sharesOf({ grid }: TrainingMask): tf.Tensor {
  const { blockShape, gridShape, blocks } = grid;
  const whole = blockShape[0] * blockShape[1];
  const shares = Float32Array.from({ length: blocks }, (_, block) => whole / blockSize(grid, block));
  return shares.every((share) => share === 1) ? tf.scalar(1) : tf.tensor2d(shares, [...gridShape]);
}

const powered = defineOperation<PowerAttributes, tf.Tensor2D>({
  name: 'ScaleByPower',
  inputsToSave: ['matrix'],
  composed: composedPower,
  gradient: (dy, [matrix], attributes) => ({
    matrix: () =>
      areGradientsDifferentiated()
        ? composedPowerGradient({ dy, matrix: matrix! }, attributes)
        : powerGradient({ dy, matrix: matrix! }, attributes),
  }),
});

const powerGradient = defineOperation<PowerAttributes, tf.Tensor2D>({
  name: 'ScaleByPowerGrad',
  composed: composedPowerGradient,
});

const shrunk = defineOperation<ThresholdAttributes, tf.Tensor2D>({
  name: 'ScaleByThreshold',
  inputsToSave: ['matrix', 'threshold'],
  composed: composedThreshold,
  gradient: (dy, saved, attributes) => {
    const [matrix, threshold] = saved as [tf.Tensor, tf.Tensor];
    const inputs = { dy, matrix, threshold };
    // Both at once: they are made in one pass.
    const [byMatrix, byThreshold] = areGradientsDifferentiated()
      ? composedThresholdGradients(inputs, attributes)
      : thresholdGradients(inputs, attributes);
    return { matrix: () => byMatrix as tf.Tensor, threshold: () => byThreshold as tf.Tensor };
  },
});

const thresholdGradients = defineOperation<ThresholdAttributes, tf.Tensor[]>({
  name: 'ScaleByThresholdGrad',
  composed: composedThresholdGradients,
});
