/** What only moves elements: slices, joins, pads, gathers, blocks. */
import * as tf from '@tensorflow/tfjs';

import type { Random } from '../random.js';
import { anyAxis, anyShape, integers, sizeOf, swept, within, type Input, type SweptOp } from '../swept-op.js';

const moving = <Attributes extends object>(
  name: string,
  draw: (random: Random) => { shape: number[]; attributes: Attributes },
  compute: (x: tf.Tensor, attributes: Attributes) => tf.Tensor | tf.Tensor[],
): SweptOp =>
  swept({
    name,
    known: 'by basis vectors',
    sample: (random) => {
      const { shape, attributes } = draw(random);
      return { inputs: [within(random, shape)], attributes };
    },
    compute: ([x]: [tf.Tensor], attributes: Attributes) => compute(x, attributes),
  });

const joined = (
  name: string,
  compute: (parts: tf.Tensor[], axis: number) => tf.Tensor,
  own: boolean,
): SweptOp =>
  swept({
    name,
    known: 'by basis vectors',
    sample: (random) => {
      const shape = anyShape(random, own ? 1 : 0, 3);
      const axis = own ? anyAxis(random, shape.length) : random.integer(0, shape.length);
      const at = axis < 0 ? axis + shape.length : axis;
      const inputs = Array.from({ length: random.integer(1, 4) }, (): Input => {
        const part = own ? shape.map((size, i) => (i === at ? random.integer(0, 3) : size)) : shape;
        return within(random, part);
      });
      return { inputs, attributes: { axis } };
    },
    compute: (parts: tf.Tensor[], { axis }) => compute(parts, axis),
  });

const permutation = (random: Random, rank: number) =>
  random.shuffled(Array.from({ length: rank }, (_, i) => i));

export const arranging: readonly SweptOp[] = [
  moving(
    'reshape',
    (random) => {
      const shape = anyShape(random);
      return { shape, attributes: { to: random.pick([[sizeOf(shape)], [1, sizeOf(shape)], [...shape, 1]]) } };
    },
    (x, { to }) => tf.reshape(x, to),
  ),
  moving(
    'expandDims',
    (random) => {
      const shape = anyShape(random);
      return { shape, attributes: { axis: anyAxis(random, shape.length + 1) } };
    },
    (x, { axis }) => tf.expandDims(x, axis),
  ),
  moving(
    'transpose',
    (random) => {
      const shape = anyShape(random, 0, 5);
      return { shape, attributes: { perm: permutation(random, shape.length) } };
    },
    (x, { perm }) => tf.transpose(x, perm),
  ),
  moving(
    'reverse',
    (random) => {
      const shape = anyShape(random, 1);
      const axes = random.some(permutation(random, shape.length), 1);
      return {
        shape,
        attributes: { axis: axes.map((axis) => (random.chance(0.3) ? axis - shape.length : axis)) },
      };
    },
    (x, { axis }) => tf.reverse(x, axis),
  ),
  moving(
    'tile',
    (random) => {
      const shape = anyShape(random, 1, 5);
      return { shape, attributes: { reps: shape.map(() => random.integer(1, 3)) } };
    },
    (x, { reps }) => tf.tile(x, reps),
  ),
  moving(
    'broadcastTo',
    (random) => {
      const to = anyShape(random, 0, 5);
      const narrowed = to.map((size) => (size > 0 && random.chance(0.4) ? 1 : size));
      const missing = !to.includes(0) && random.chance(0.4) ? random.integer(0, to.length) : 0;
      return { shape: narrowed.slice(missing), attributes: { to } };
    },
    (x, { to }) => tf.broadcastTo(x, to as never),
  ),
  joined('concat', (parts, axis) => tf.concat(parts, axis), true),
  joined('stack', (parts, axis) => tf.stack(parts, axis), false),
  moving(
    'unstack',
    (random) => {
      const shape = anyShape(random, 1).map((size) => Math.max(size, 1));
      return { shape, attributes: { axis: anyAxis(random, shape.length) } };
    },
    (x, { axis }) => tf.unstack(x, axis),
  ),
  moving(
    'split',
    (random) => {
      const shape = anyShape(random, 1);
      const axis = anyAxis(random, shape.length);
      const sizes = Array.from({ length: random.integer(1, 3) }, () => random.integer(0, 3));
      shape[axis < 0 ? axis + shape.length : axis] = sizes.reduce((sum, size) => sum + size, 0);
      return { shape, attributes: { sizes, axis } };
    },
    (x, { sizes, axis }) => tf.split(x, sizes, axis),
  ),
  // Of the parts of a split, one alone: nothing flows through the others.
  moving(
    'splitFirst',
    (random) => {
      const shape = anyShape(random, 1);
      const axis = random.integer(0, shape.length - 1);
      shape[axis] = 4;
      return { shape, attributes: { axis } };
    },
    (x, { axis }) => tf.split(x, 2, axis)[0]!,
  ),
  moving(
    'slice',
    (random) => {
      const shape = anyShape(random, 1, 5);
      const begin = shape.map((length) => random.integer(0, Math.max(length - 1, 0)));
      const size = shape.map((length, i) => {
        const rest = length - begin[i]!;
        return random.chance(0.3) ? -1 : random.integer(random.chance(0.1) ? 0 : Math.min(1, rest), rest);
      });
      return { shape, attributes: { begin, size } };
    },
    (x, { begin, size }) => tf.slice(x, begin, size),
  ),
  moving(
    'pad',
    (random) => {
      const shape = anyShape(random, 1, 5);
      const paddings = shape.map(() => [random.integer(0, 2), random.integer(0, 2)] as [number, number]);
      return { shape, attributes: { paddings, value: random.pick([0, 1.5]) } };
    },
    (x, { paddings, value }) => tf.pad(x, paddings, value),
  ),
  moving(
    'mirrorPad',
    (random) => {
      const shape = anyShape(random, 1, 4).map((size) => Math.max(size, 1));
      const mode = random.pick(['reflect', 'symmetric'] as const);
      const most = (size: number) => (mode === 'reflect' ? size - 1 : size);
      const paddings = shape.map(
        (size) => [random.integer(0, most(size)), random.integer(0, most(size))] as [number, number],
      );
      return { shape, attributes: { paddings, mode } };
    },
    (x, { paddings, mode }) => tf.mirrorPad(x, paddings, mode),
  ),
  moving(
    'spaceToBatchND',
    (random) => {
      const block = [random.integer(1, 3), random.integer(1, 3)];
      const paddings = block.map(() => [random.integer(0, 2), random.integer(0, 2)]);
      const spatial = block.map((size, i) => {
        const total = size * random.integer(1, 2);
        const inner = total - paddings[i]![0]! - paddings[i]![1]!;
        return inner > 0 ? inner : inner + size * Math.ceil((1 - inner) / size);
      });
      const shape = [random.integer(1, 2), ...spatial, random.integer(1, 2)];
      return { shape, attributes: { block, paddings } };
    },
    (x, { block, paddings }) => tf.spaceToBatchND(x, block, paddings),
  ),
  moving(
    'batchToSpaceND',
    (random) => {
      const block = [random.integer(1, 3), random.integer(1, 2)];
      const spatial = block.map(() => random.integer(1, 3));
      const crops = block.map((size, i) => {
        const total = size * spatial[i]!;
        const before = random.integer(0, Math.min(1, total - 1));
        return [before, random.integer(0, Math.min(1, total - 1 - before))];
      });
      const shape = [block[0]! * block[1]! * random.integer(1, 2), ...spatial, random.integer(1, 2)];
      return { shape, attributes: { block, crops } };
    },
    (x, { block, crops }) => tf.batchToSpaceND(x, block, crops),
  ),
  swept({
    name: 'gather',
    known: 'by basis vectors',
    sample: (random) => {
      const shape = anyShape(random, 1, 4).map((size) => Math.max(size, 1));
      const axis = random.integer(0, shape.length - 1);
      const batchDims = random.chance(0.4) ? random.integer(0, Math.min(axis, 2)) : 0;
      const indices = [
        ...shape.slice(0, batchDims),
        ...Array.from({ length: random.integer(batchDims > 0 ? 1 : 0, 2) }, () => random.integer(1, 3)),
      ];
      return {
        inputs: [within(random, shape), integers(random, indices, 0, shape[axis]! - 1)],
        attributes: { axis: random.chance(0.3) ? axis - shape.length : axis, batchDims },
      };
    },
    compute: ([x, indices]: [tf.Tensor, tf.Tensor], { axis, batchDims }) =>
      tf.gather(x, indices as tf.Tensor1D, axis, batchDims),
  }),
  swept({
    name: 'unsortedSegmentSum',
    known: 'by basis vectors',
    sample: (random) => {
      const shape = anyShape(random, 1, 3);
      const segments = random.integer(1, 4);
      return {
        // What has a negative segment is in no sum.
        inputs: [within(random, shape), integers(random, [shape[0]!], random.pick([-1, 0]), segments - 1)],
        attributes: { segments },
      };
    },
    compute: ([x, ids]: [tf.Tensor, tf.Tensor], { segments }) =>
      tf.unsortedSegmentSum(x, ids as tf.Tensor1D, segments),
  }),
];
