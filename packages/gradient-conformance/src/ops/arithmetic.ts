/** Functions of two tensors that broadcast, and choices between them. */
import * as tf from '@tensorflow/tfjs';

import type { Random } from '../random.js';
import {
  anyShape,
  broadcasting,
  distinct,
  integers,
  separate,
  swept,
  within,
  type Input,
  type SweptOp,
} from '../swept-op.js';

type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/** Away from zero, of either sign. */
function awayFromZero(random: Random, shape: readonly number[]): Input {
  const { values, dtype } = within(random, shape, 0.4, 2);
  return { shape, values: values.map((value) => (random.chance(0.5) ? value : -value)), dtype };
}

/** Now and then whole numbers, by which there is no gradient. */
function perhapsIntegers(random: Random, input: Input, low: number, high: number): Input {
  return random.chance(0.15) ? integers(random, input.shape, low, high) : input;
}

const binary = (
  name: string,
  known: SweptOp['known'],
  compute: Binary,
  inputs: (random: Random, a: number[], b: number[]) => readonly Input[],
): SweptOp =>
  swept({
    name,
    known,
    sample: (random) => ({ inputs: inputs(random, ...broadcasting(random)), attributes: {} }),
    compute: ([a, b]: [tf.Tensor, tf.Tensor]) => compute(a, b),
  });

const anywhere = (random: Random, a: number[], b: number[]): Input[] => [
  within(random, a),
  perhapsIntegers(random, within(random, b), -3, 3),
];

const apart = (random: Random, a: number[], b: number[]): Input[] => separate(random, [a, b]);

export const arithmetic: readonly SweptOp[] = [
  binary('add', 'by basis vectors', tf.add, anywhere),
  binary('sub', 'by basis vectors', tf.sub, anywhere),
  binary('mul', 'by basis vectors', tf.mul, anywhere),
  binary('div', 'by differences', tf.div, (random, a, b) => [
    perhapsIntegers(random, within(random, a), -3, 3),
    awayFromZero(random, b),
  ]),
  binary('divNoNan', 'by differences', tf.divNoNan, (random, a, b) => [
    within(random, a),
    awayFromZero(random, b),
  ]),
  binary('squaredDifference', 'by differences', tf.squaredDifference, anywhere),
  binary('pow', 'by differences', tf.pow, (random, a, b) => [
    within(random, a, 0.3, 2),
    within(random, b, -2, 3),
  ]),
  swept({
    name: 'powOfConstant',
    known: 'by differences',
    sample: (random) => {
      const [a] = broadcasting(random);
      // Of a negative base too, to the power of a constant; with 0 to the 0 and the 1.
      const { values, ...base } = awayFromZero(random, a);
      const exponent = random.pick([-1, 0, 1, 2, 3]);
      const zeros = exponent >= 0 ? values.map((value) => (random.chance(0.2) ? 0 : value)) : values;
      return { inputs: [{ values: zeros, ...base }], attributes: { exponent } };
    },
    compute: ([a]: [tf.Tensor], { exponent }) => tf.pow(a, exponent),
  }),
  binary('atan2', 'by differences', tf.atan2, (random, a, b) => [
    awayFromZero(random, a),
    awayFromZero(random, b),
  ]),
  binary('maximum', 'by differences', tf.maximum, apart),
  binary('minimum', 'by differences', tf.minimum, apart),
  binary('greaterEqual', 'by differences', (a, b) => tf.cast(tf.greaterEqual(a, b), 'float32'), apart),
  // Quotients a quarter off a whole number, at least.
  ...(['mod', 'floorDiv'] as const).map((name) =>
    binary(name, 'by differences', tf[name], (random, a, b) => {
      const divisors = b.reduce((product, size) => product * size, 1);
      const divisor = random.pick([-1, 1]) * random.uniform(0.9, 1.1);
      const whole = within(random, a, -3, 3).values.map(
        (value) => Math.round(value) + random.uniform(0.3, 0.7),
      );
      const values = whole.map((quotient) => Math.fround(quotient * divisor));
      return [
        { shape: a, values, dtype: 'float32' },
        { shape: b, values: new Array<number>(divisors).fill(Math.fround(divisor)), dtype: 'float32' },
      ];
    }),
  ),
  swept({
    name: 'prelu',
    known: 'by differences',
    sample: (random) => {
      const shape = anyShape(random, 1);
      const alpha = shape.map((size) => (size > 0 && random.chance(0.4) ? 1 : size));
      const narrowed =
        random.chance(0.3) && !shape.includes(0) ? alpha.slice(random.integer(0, alpha.length - 1)) : alpha;
      return { inputs: [distinct(random, shape), within(random, narrowed, 0.1, 0.5)], attributes: {} };
    },
    compute: ([x, alpha]: [tf.Tensor, tf.Tensor]) => tf.prelu(x, alpha),
  }),
  swept({
    name: 'where',
    known: 'by basis vectors',
    sample: (random) => {
      const [a, b] = broadcasting(random);
      const condition = random.chance(0.5) ? a : b;
      const { values } = integers(random, condition, 0, 1);
      return {
        inputs: [{ shape: condition, values, dtype: 'bool' }, within(random, a), within(random, b)],
        attributes: {},
      };
    },
    compute: ([condition, a, b]: [tf.Tensor, tf.Tensor, tf.Tensor]) => tf.where(condition, a, b),
  }),
  swept({
    name: 'addN',
    known: 'by basis vectors',
    sample: (random) => {
      const shape = anyShape(random);
      const inputs = Array.from({ length: random.integer(1, 4) }, () => within(random, shape));
      return { inputs, attributes: {} };
    },
    compute: (inputs: tf.Tensor[]) => tf.addN(inputs),
  }),
  // The same tensor twice: both gradients add up.
  swept({
    name: 'mulByItself',
    known: 'by differences',
    sample: (random) => ({ inputs: [within(random, anyShape(random))], attributes: {} }),
    compute: ([x]: [tf.Tensor]) => tf.mul(x, x),
  }),
];
