import { blockNorms, scaleBlocks } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { chain } from './chain.js';
import { assertCombination } from './combination.js';
import { attention } from './importances.js';
import { identity, softmaxAttention } from './parameterisations.js';
import type { ChosenKernel, Parameterisation } from './pruner.js';
import { KernelState } from './run/kernel-state.js';
import { byMagnitude, expectClose, finiteDifferences, randomTensor, values } from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** `W = V |V|`, with its inverse. */
const square: Parameterisation = {
  name: 'square',
  zeroIsStuck: true,
  raw: (weight) => weight.sign().mul(weight.abs().sqrt()),
  elementwise: (raw) => raw.mul(raw.abs()),
};
/** `W_b = ‖V_b‖ V_b`, with its inverse. */
const byNorm: Parameterisation = {
  name: 'by norm',
  raw: (weight, { grid }) => scaleBlocks(weight, blockNorms(weight, grid).pow(-0.5), grid),
  blockScale: (raw, _, { grid }) => blockNorms(raw, grid),
};
const shrinking: Parameterisation = { name: 'shrinking', proximal: (raw) => raw.mul(0.5) };

function under(parameterisation: Parameterisation, weights = randomTensor([4, 6])) {
  const variable = tf.variable(weights);
  const state = new KernelState({ name: 'w', variable, kind: 'other' }, [2, 2], 0.5, parameterisation, {
    prunedWeights: 'masked',
  });
  return { variable, state };
}

const pairs: [string, Parameterisation][] = [
  ['elementwise, then elementwise', chain(square, square)],
  ['elementwise, then a scale of blocks that looks at the weight', chain(square, byNorm)],
  ['elementwise, then attention', chain(square, softmaxAttention())],
  ['a scale of blocks, then another that looks at it', chain(byNorm, byNorm)],
  ['attention, then a scale of blocks that looks at it', chain(softmaxAttention({ clip: 'off' }), byNorm)],
  ['three', chain(square, byNorm, softmaxAttention({ clip: 'off' }))],
];

describe.each(pairs)('%s', (_, chained) => {
  it('starts with the weights that there were', () => {
    const weights = randomTensor([4, 6], 3);
    expectClose(values(under(chained, weights).state.effective()), values(weights), 1e-5);
  });

  it('has the gradients of finite differences', () => {
    const { variable, state } = under(chained);
    const c = randomTensor([4, 6], 7);
    for (const trained of [variable, ...Object.values(state.trainables)]) {
      const shift = randomTensor(trained.shape, 5).mul(0.2);
      trained.assign(trained.add(shift));
      const loss = () => tf.tidy(() => state.effective().mul(c).sum() as tf.Scalar);
      const { grads } = tf.variableGrads(loss, [trained]);
      const start = trained.dataSync<'float32'>().slice();
      const at = (numbers: Float32Array) => {
        trained.assign(tf.tensor(numbers, trained.shape));
        return loss().dataSync()[0] as number;
      };
      const expected = finiteDifferences(at, start, 1e-3);
      trained.assign(tf.tensor(start, trained.shape));
      expectClose(values(grads[trained.name] as tf.Tensor), expected, 5e-3);
    }
  });

  it('makes each weight of one raw weight alone, before the scale of its block', () => {
    const { state } = under(chained);
    const { raw, elementwise } = state.factors();
    const column = raw.reshape<tf.Tensor2D>([24, 1]);
    expectClose(values(elementwise?.(column) ?? column), values(elementwise?.(raw) ?? raw), 0);
  });
});

describe('what is chained', () => {
  it('takes for its raw weight what the one before makes', () => {
    // Of [3, 4] by norm [15, 20], of norm 25: [375, 500]. Of [1, 2] squared [1, 4], by norm √17 · [1, 4].
    const grid = { blockShape: [1, 2] as const };
    const of = (parameterisation: Parameterisation, raw: number[]) => {
      const variable = tf.variable(tf.zeros([1, 2]));
      const source = { name: 'w', variable, kind: 'other' } as const;
      const state = new KernelState(
        source,
        grid.blockShape,
        1,
        { ...parameterisation, raw: (w) => w },
        {
          prunedWeights: 'masked',
        },
      );
      variable.assign(tf.tensor2d([raw]));
      return values(state.effective());
    };
    expectClose(of(chain(byNorm, byNorm), [3, 4]), [375, 500], 1e-3);
    expectClose(of(chain(square, byNorm), [1, 2]), [4.1231056, 16.4924225], 1e-5);
  });

  it('adds what both add, and each is told of a choice with its own raw weight', () => {
    const seen: Record<string, number[]> = {};
    const watching = (name: string): Parameterisation => ({
      name,
      buffers: () => ({ [name]: tf.scalar(1) }),
      afterChoice: ({ raw, buffers }: ChosenKernel) => {
        seen[name] = values(raw);
        buffers[name]?.assign(tf.scalar(2));
      },
    });
    const { state, variable } = under(chain({ ...square, ...watching('a') }, watching('b')));
    state.choose(new Uint8Array(6).fill(1));
    expect(Object.keys(state.buffers)).toEqual(['a', 'b']);
    expect(Object.values(state.buffers).map((buffer) => buffer.dataSync()[0])).toEqual([2, 2]);
    expect(seen['a']).toEqual(values(variable));
    expectClose(
      seen['b']!,
      values(variable).map((v) => v * Math.abs(v)),
      1e-6,
    );
  });

  it('keeps the proximal step of the first, on what is trained', () => {
    const { state, variable } = under(chain({ ...square, ...shrinking }, softmaxAttention()));
    const before = values(variable);
    state.proximalStep(0, () => tf.scalar(1));
    expectClose(
      values(variable),
      before.map((v) => v / 2),
      1e-6,
    );
  });

  it('cannot leave zero where one of them cannot', () => {
    expect(chain(identity, square).zeroIsStuck).toBe(true);
    expect(chain(square, identity).zeroIsStuck).toBe(true);
    expect(chain(identity, identity).zeroIsStuck).toBe(false);
  });

  it('of parameterisations that leave the weight alone leaves it alone', () => {
    const { elementwise, blockScale, proximal } = chain(identity, identity);
    expect([elementwise, blockScale, proximal]).toEqual([undefined, undefined, undefined]);
  });

  it('is scored by what either adds', () => {
    const importance = attention();
    const parameterisation = chain(square, softmaxAttention());
    expect(() => assertCombination({ ...byMagnitude(), parameterisation, importance })).not.toThrow();
  });
});

describe('what cannot be chained is refused', () => {
  it('where a function of each weight would come after a scale of blocks', () => {
    expect(() => chain(softmaxAttention(), square)).toThrow(
      "'square' cannot follow 'softmax attention': a function of each weight goes before a scale of blocks; " +
        'chain them the other way round',
    );
  });

  it('where a proximal step is not the first', () => {
    expect(() => chain(identity, shrinking)).toThrow(
      "'shrinking' cannot follow 'identity': its proximal step",
    );
    expect(() => chain(identity, shrinking)).toThrow('put it first');
    expect(() => chain(shrinking, shrinking)).toThrow('leave one of the two out');
  });

  it('where both add the same, before the first step', () => {
    const parameterisation = chain(softmaxAttention(), softmaxAttention());
    expect(() => assertCombination({ ...byMagnitude(), parameterisation })).toThrow(
      "'softmax attention' cannot follow 'softmax attention': both add logits",
    );
  });
});

it('the module can be imported by import(), which takes an export called then for a promise', async () => {
  const core = await import('./index.js');
  expect('then' in core).toBe(false);
  expect(core.chain).toBe(chain);
});
