/** The density that attention is clipped by is the one that the kernel really gets. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { erdosRenyiKernel, global, uniform } from '../allocation.js';
import { alternating } from '../search/alternating.js';
import { oneShot } from '../search/one-shot.js';
import { byAttention, expectClose, shortPlan, values } from '../test-support.js';
import { sparsify } from './sparsify.js';
import type { PruningState } from './state.js';
import type { Target } from './target.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Weights of 1 under attention, in blocks of one: the effective weight is the attention. */
async function attended(
  shapes: Readonly<Record<string, [number, number]>>,
  target: Partial<Target>,
  search = oneShot(),
) {
  const variables = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, tf.variable(tf.ones(shape))]),
  );
  const pruning = await sparsify(variables, byAttention(search), {
    sparsity: 0.5,
    blockShape: [1, 1],
    totalSteps: 20,
    minimumBlocks: 1,
    optimizer: null,
    ...target,
  });
  /** All the attention on the first block. */
  const concentrate = (name: string) => {
    const logits = pruning.kernels.find((kernel) => kernel.name === name)?.trainables['logits'];
    tf.tidy(() => logits?.assign(tf.oneHot([0], logits.size).mul(50).reshape(logits.shape)));
  };
  const steps = async (count: number) => {
    for (let step = 0; step < count; step++) await pruning.step();
  };
  const effective = (name: string) => values(tf.tidy(() => pruning.weight(name)));
  return { variables, pruning, concentrate, steps, effective };
}

/** The first and the second block's. */
const bounds = (weights: number[]) => [weights[0] as number, weights[1] as number];

describe('attention is clipped to [d, 1/d]', () => {
  const shapes: Record<string, [number, number]> = { a: [10, 10], b: [10, 40] };

  it('of the target under uniform allocation', async () => {
    const { concentrate, effective } = await attended(shapes, { sparsity: 0.9, allocation: uniform });
    for (const name of ['a', 'b']) {
      concentrate(name);
      expectClose(bounds(effective(name)), [10, 0.1], 1e-5);
    }
  });

  it('of each layer by Erdős–Rényi kernel', async () => {
    // d = 0.2 · 50 / 70 = 1/7 and 0.125 · 50 / 70 = 1/11.2.
    const { concentrate, effective } = await attended(shapes, {
      sparsity: 0.9,
      allocation: erdosRenyiKernel,
    });
    concentrate('a');
    concentrate('b');
    expectClose(bounds(effective('a')), [7, 1 / 7], 1e-5);
    expectClose(bounds(effective('b')), [11.2, 1 / 11.2], 1e-5);
  });

  it('of the kernel itself, where it has a sparsity of its own', async () => {
    const { concentrate, effective } = await attended(shapes, {
      sparsity: 0.9,
      overrides: { b: { sparsity: 0.75 } },
    });
    concentrate('a');
    concentrate('b');
    expectClose(bounds(effective('a')), [10, 0.1], 1e-5);
    expectClose(bounds(effective('b')), [4, 0.25], 1e-5);
  });
});

describe('under global allocation', () => {
  const shapes: Record<string, [number, number]> = { a: [1, 4], b: [1, 4] };
  const target = { allocation: global };

  // log A of a is log 4, −48.6, −48.6, −48.6, and that of b is 0 four times: the best of each and two more of b stay.
  it('the density is the target’s until the first choice, and then the share that the scores keep, or less', async () => {
    const { pruning, concentrate, steps, effective } = await attended(shapes, target);
    concentrate('a');
    expectClose(effective('a'), [2, 0.5, 0.5, 0.5], 1e-5);
    await steps(10);
    expect(pruning.phase).toBe('sparse');
    expect(pruning.kernels.map(({ density }) => density)).toEqual([0.25, 0.5]);
    expectClose(effective('a'), [4, 0, 0, 0], 1e-5);
    expect(effective('b')).toEqual([1, 1, 1, 0]);
  });

  it('a layer that keeps all its blocks can still tell them apart', async () => {
    const search = alternating(shortPlan, { prunedWeights: 'masked' });
    const { pruning, concentrate, steps, effective } = await attended(
      { a: [1, 6], b: [1, 2] },
      target,
      search,
    );
    concentrate('a'); // log A of a is log 6 and −48.2 five times; of b, 0 twice: of the four, two are b's own.
    await steps(8);
    expect(pruning.phase).toBe('dense');
    expectClose(effective('b'), [1, 1], 1e-5);
    expect(pruning.kernels.map(({ density }) => density)).toEqual([expect.closeTo(1 / 3, 9), 0.5]);
    concentrate('b');
    expectClose(effective('b'), [2, 0.5], 1e-5);
  });

  it('it is kept through a dense phase, which reads no scores', async () => {
    const { pruning, concentrate, steps, effective } = await attended(
      shapes,
      target,
      alternating(shortPlan, { prunedWeights: 'masked' }),
    );
    concentrate('a');
    await steps(8);
    expect(pruning.phase).toBe('dense');
    expectClose(effective('a'), [4, 0.25, 0.25, 0.25], 1e-5);
  });

  it('a run that ends before its choice keeps the weights that it computed with', async () => {
    const { variables, pruning, concentrate, steps } = await attended(shapes, target);
    concentrate('a');
    await steps(5);
    await pruning.finalize();
    expectClose(values(variables['a'] as tf.Variable), [2, 0, 0, 0], 1e-5);
    expect(values(variables['b'] as tf.Variable)).toEqual([1, 1, 1, 0]);
  });

  it('it is stored, and another run goes on with it', async () => {
    const search = () => alternating(shortPlan, { prunedWeights: 'masked' });
    const first = await attended(shapes, target, search());
    first.concentrate('a');
    await first.steps(8);
    const state = JSON.parse(JSON.stringify(first.pruning.state())) as PruningState;
    expect(state.densities).toEqual({ a: 0.25, b: 0.5 });
    const second = await attended(shapes, target, search());
    second.concentrate('a');
    expectClose(second.effective('a'), [2, 0.5, 0.5, 0.5], 1e-5);
    second.pruning.restore(state);
    expect(second.effective('a')).toEqual(first.effective('a'));
  });

  it.each([
    [{}, 'The state has no density for a: under an allocation by scores it needs one above 0 and at most 1'],
    [{ densities: { a: 0.5 } }, 'The state has no density for b'],
    [{ densities: { a: 0.5, b: 0 } }, 'The state has the density 0 for b'],
    [{ densities: { a: 1.5, b: 1 } }, 'The state has the density 1.5 for a'],
    [{ densities: { a: Number.NaN, b: 1 } }, 'The state has the density NaN for a'],
  ])('a state with %j is refused, and changes nothing', async (changed, message) => {
    const { pruning, steps } = await attended(shapes, target);
    await steps(3);
    const { step, masks } = pruning.state();
    const before = pruning.state();
    expect(() => pruning.restore({ step: step + 1, masks, ...changed })).toThrow(message);
    expect(pruning.state()).toEqual(before);
  });
});

it('where the allocation does not go by scores, the state holds no densities, and one that does is refused', async () => {
  const { pruning } = await attended({ a: [1, 4] }, {});
  const state = pruning.state();
  expect(state).not.toHaveProperty('densities');
  expect(() => pruning.restore({ ...state, densities: { a: 0.5 } })).toThrow(
    'The state is of a run whose allocation goes by scores, as that of this one does not',
  );
});
