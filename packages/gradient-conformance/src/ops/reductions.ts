/** Sums and their kind over axes, counted from either end, and what runs along an axis. */
import * as tf from '@tensorflow/tfjs';

import type { Random } from '../random.js';
import {
  anyAxes,
  anyAxis,
  anyShape,
  distinct,
  swept,
  within,
  type Input,
  type SweptOp,
} from '../swept-op.js';

type Axes = number | number[] | undefined;
type Reduction = (x: tf.Tensor, axis: Axes, keepDims: boolean) => tf.Tensor;

const reduction = (
  name: string,
  known: SweptOp['known'],
  compute: Reduction,
  values: (random: Random, shape: number[]) => Input,
): SweptOp =>
  swept({
    name,
    known,
    sample: (random) => {
      const shape = anyShape(random);
      return {
        inputs: [values(random, shape)],
        attributes: { axis: anyAxes(random, shape.length), keepDims: random.chance(0.5) },
      };
    },
    compute: ([x]: [tf.Tensor], { axis, keepDims }) => compute(x, axis ?? undefined, keepDims),
  });

/** None is empty: the largest of nothing is no number. */
const full = (random: Random, shape: number[]): Input =>
  distinct(
    random,
    shape.map((size) => Math.max(size, 1)),
  );
const factors = (random: Random, shape: number[]): Input => {
  const { values, ...rest } = within(random, shape, 0.5, 1.5);
  return {
    values: values.map((value) => (random.chance(0.1) ? 0 : random.chance(0.3) ? -value : value)),
    ...rest,
  };
};

/** Along one axis. */
const along = (
  name: string,
  known: SweptOp['known'],
  compute: (x: tf.Tensor, axis: number) => tf.Tensor,
  axisOf: (random: Random, rank: number) => number,
): SweptOp =>
  swept({
    name,
    known,
    sample: (random) => {
      const shape = anyShape(random, 1);
      return { inputs: [within(random, shape)], attributes: { axis: axisOf(random, shape.length) } };
    },
    compute: ([x]: [tf.Tensor], { axis }) => compute(x, axis),
  });

export const reductions: readonly SweptOp[] = [
  reduction('sum', 'by basis vectors', tf.sum, within),
  reduction('mean', 'by basis vectors', tf.mean, full),
  reduction('prod', 'by differences', tf.prod, factors),
  reduction('max', 'by differences', tf.max, full),
  reduction('min', 'by differences', tf.min, full),
  reduction('logSumExp', 'by differences', tf.logSumExp, full),
  reduction(
    'variance',
    'by differences',
    (x, axis, keepDims) => tf.moments(x, axis, keepDims).variance,
    full,
  ),
  ...([1, 2] as const).map((order) =>
    swept({
      name: `norm${order}`,
      known: 'by differences',
      sample: (random) => {
        const shape = anyShape(random, 1);
        return {
          inputs: [full(random, shape)],
          attributes: { axis: anyAxis(random, shape.length), keepDims: random.chance(0.5) },
        };
      },
      compute: ([x]: [tf.Tensor], { axis, keepDims }) => tf.norm(x, order, axis, keepDims),
    }),
  ),
  along('softmax', 'by differences', tf.softmax, (_, rank) => rank - 1),
  along('logSoftmax', 'by differences', tf.logSoftmax, (_, rank) => rank - 1),
  swept({
    name: 'cumsum',
    known: 'by basis vectors',
    sample: (random) => {
      const shape = anyShape(random, 1);
      // Square ones too: a gradient that is transposed has the right shape then.
      const square = random.chance(0.4) ? shape.map(() => 3) : shape;
      const attributes = {
        axis: anyAxis(random, shape.length),
        exclusive: random.chance(0.5),
        reverse: random.chance(0.5),
      };
      return { inputs: [within(random, square)], attributes };
    },
    compute: ([x]: [tf.Tensor], { axis, exclusive, reverse }) => tf.cumsum(x, axis, exclusive, reverse),
  }),
];
