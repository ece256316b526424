/** Functions of one number, element by element. */
import * as tf from '@tensorflow/tfjs';

import { anyShape, distinct, swept, within, type SweptOp } from '../swept-op.js';

type Function = (x: tf.Tensor) => tf.Tensor;

/** Smooth on the range. */
const smooth: readonly [string, Function, number, number][] = [
  ['acos', tf.acos, -0.8, 0.8],
  ['acosh', tf.acosh, 1.3, 3],
  ['asin', tf.asin, -0.8, 0.8],
  ['asinh', tf.asinh, -2, 2],
  ['atan', tf.atan, -2, 2],
  ['atanh', tf.atanh, -0.8, 0.8],
  ['cos', tf.cos, -3, 3],
  ['cosh', tf.cosh, -2, 2],
  ['erf', tf.erf, -2, 2],
  ['exp', tf.exp, -2, 2],
  ['expm1', tf.expm1, -2, 2],
  ['log', tf.log, 0.3, 3],
  ['log1p', tf.log1p, -0.6, 3],
  ['logSigmoid', tf.logSigmoid, -3, 3],
  ['neg', tf.neg, -2, 2],
  ['reciprocal', tf.reciprocal, 0.4, 2],
  ['rsqrt', tf.rsqrt, 0.4, 3],
  ['sigmoid', tf.sigmoid, -3, 3],
  ['sin', tf.sin, -3, 3],
  ['sinh', tf.sinh, -2, 2],
  ['softplus', tf.softplus, -3, 3],
  ['sqrt', tf.sqrt, 0.3, 3],
  ['square', tf.square, -2, 2],
  ['tan', tf.tan, -1, 1],
  ['tanh', tf.tanh, -2, 2],
];

/** With kinks at 0 alone. */
const pieces: readonly [string, Function][] = [
  ['abs', tf.abs],
  ['elu', tf.elu],
  ['relu', tf.relu],
  ['selu', tf.selu],
];

/** Constant between jumps: the gradient is 0. */
const steps: readonly [string, Function][] = [
  ['ceil', tf.ceil],
  ['floor', tf.floor],
  ['onesLike', tf.onesLike],
  ['round', tf.round],
  ['sign', tf.sign],
  ['step', (x) => tf.step(x, 0.25)],
  ['zerosLike', tf.zerosLike],
  ['isFinite', (x) => tf.cast(tf.isFinite(x), 'float32')],
  ['isInf', (x) => tf.cast(tf.isInf(x), 'float32')],
  ['isNaN', (x) => tf.cast(tf.isNaN(x), 'float32')],
];

export const elementwise: readonly SweptOp[] = [
  ...smooth.map(([name, compute, low, high]) =>
    swept({
      name,
      known: 'by differences',
      sample: (random) => ({ inputs: [within(random, anyShape(random), low, high)], attributes: {} }),
      compute: ([x]: [tf.Tensor]) => compute(x),
    }),
  ),
  ...pieces.map(([name, compute]) =>
    swept({
      name,
      known: 'by differences beside kinks',
      sample: (random) => ({ inputs: [distinct(random, anyShape(random))], attributes: {} }),
      compute: ([x]: [tf.Tensor]) => compute(x),
    }),
  ),
  ...steps.map(([name, compute]) =>
    swept({
      name,
      known: 'by differences',
      sample: (random) => {
        // Halfway between the jumps at whole numbers and halves.
        const { shape, values, dtype } = within(random, anyShape(random), -4, 4);
        const away = values.map((value) => Math.floor(value * 2) / 2 + 0.25);
        return { inputs: [{ shape, values: away, dtype }], attributes: {} };
      },
      compute: ([x]: [tf.Tensor]) => compute(x),
    }),
  ),
  swept({
    name: 'relu6',
    known: 'by differences beside kinks',
    sample: (random) => {
      const { shape, values, dtype } = distinct(random, anyShape(random));
      // Near 0, and near 6.
      const moved = values.map((value) => Math.fround(random.chance(0.5) ? value : value + 6));
      return { inputs: [{ shape, values: moved, dtype }], attributes: {} };
    },
    compute: ([x]: [tf.Tensor]) => tf.relu6(x),
  }),
  swept({
    name: 'leakyRelu',
    known: 'by differences beside kinks',
    sample: (random) => ({
      inputs: [distinct(random, anyShape(random))],
      attributes: { alpha: random.pick([0, 0.1, 0.3]) },
    }),
    compute: ([x]: [tf.Tensor], { alpha }) => tf.leakyRelu(x, alpha),
  }),
  swept({
    name: 'clipByValue',
    known: 'by differences beside kinks',
    sample: (random) => ({
      inputs: [distinct(random, anyShape(random))],
      attributes: { low: random.pick([-0.3, -0.06, 0]), high: random.pick([0.03, 0.06, 0.3]) },
    }),
    compute: ([x]: [tf.Tensor], { low, high }) => tf.clipByValue(x, low, high),
  }),
  swept({
    name: 'identity',
    known: 'by basis vectors',
    sample: (random) => ({ inputs: [within(random, anyShape(random))], attributes: {} }),
    compute: ([x]: [tf.Tensor]) => tf.clone(x),
  }),
  swept({
    name: 'cast',
    known: 'by basis vectors',
    sample: (random) => ({ inputs: [within(random, anyShape(random))], attributes: {} }),
    compute: ([x]: [tf.Tensor]) => tf.cast(x, 'float32'),
  }),
];
