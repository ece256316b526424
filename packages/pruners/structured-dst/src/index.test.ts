import { blockGrid, sparsify, uniform, type Choice, type Target } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import structuredDstByDefault, { constantFanIn, structuredDst } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** How many blocks of each column a mask keeps. */
function fanIns(mask: ArrayLike<number>, columns: number): number[] {
  return Array.from({ length: columns }, (_, column) =>
    sum(Array.from(mask).filter((_bit, block) => block % columns === column)),
  );
}

/** The next choice on a grid of 4 × 3 blocks, all given row by row. */
function next(choice: Partial<Choice>, settings = {}): number[] {
  const [phase] = structuredDst(settings).search.phases;
  const made = phase?.choose?.({
    seed: 1,
    grid: blockGrid([4, 3], [1, 1]),
    scores: new Float32Array(12),
    growthScores: new Float32Array(12),
    chosen: new Uint8Array(12),
    candidates: new Uint8Array(12).fill(1),
    keep: 6,
    progress: 1e-9,
    ...choice,
  });
  return Array.from(made ?? []);
}

describe('constant fan-in', () => {
  it('is the same for every active column where it divides', () => {
    expect(constantFanIn([1, 5, 3, 4], 4, 8)).toEqual([2, 2, 2, 2]);
    expect(constantFanIn([1, 5, 3, 4], 2, 8)).toEqual([0, 4, 0, 4]);
  });

  it('gives the remainder to the most salient, one each', () => {
    expect(constantFanIn([1, 5, 3, 4], 4, 10)).toEqual([2, 3, 2, 3]);
    expect(constantFanIn([2, 2, 2], 3, 4)).toEqual([2, 1, 1]);
    expect(constantFanIn([1, 5, 3], 1, 1)).toEqual([0, 1, 0]);
  });
});

describe('an exchange of structured DST', () => {
  // prettier-ignore
  const chosen = Uint8Array.of(
    1, 1, 0,
    1, 0, 1,
    0, 1, 1,
    0, 0, 0,
  );
  // prettier-ignore
  const scores = [
    9, 8, 0,
    7, 0, 1,
    0, 6, 2,
    0, 0, 0,
  ];

  it('drops the smallest of the layer and grows the largest gradients in each column, fan-in kept', () => {
    // α = 0.4: ⌊2.4⌋ = 2 drop, both of the third column. Its own largest gradients are in the rows 0 and 3; in the
    // layer the largest are those two also: every column has two salient blocks.
    // prettier-ignore
    const growthScores = [
      0, 0, 5,
      0, 1, 0,
      2, 0, 1,
      1, 0, 4,
    ];
    // prettier-ignore
    expect(next({ chosen, scores, growthScores }, { alpha: 0.4 })).toEqual([
      1, 1, 1,
      1, 0, 0,
      0, 1, 0,
      0, 0, 1,
    ]);
  });

  it('ablates a column with too few salient blocks, and gives its blocks to the others', () => {
    // The two largest gradients are in the first and second column: the third has no salient block left, fewer than
    // 0.3 · 2. Six blocks for two columns are three each.
    // prettier-ignore
    const growthScores = [
      0, 0, 1,
      0, 2, 1,
      5, 0, 1,
      3, 4, 1,
    ];
    // prettier-ignore
    expect(next({ chosen, scores, growthScores }, { alpha: 0.4 })).toEqual([
      1, 1, 0,
      1, 0, 0,
      1, 1, 0,
      0, 1, 0,
    ]);
  });

  it('keeps what it dropped where nothing else of the column has a gradient', () => {
    const growthScores = new Array<number>(12).fill(1e-15);
    const mask = next({ chosen, scores, growthScores }, { alpha: 0.4, minimumSalience: 0 });
    expect(mask).toEqual(Array.from(chosen));
  });

  it('ablates none at a minimum salience of 0', () => {
    // prettier-ignore
    const growthScores = [
      0, 0, 1,
      0, 2, 1,
      5, 0, 1,
      3, 4, 1,
    ];
    const mask = next({ chosen, scores, growthScores }, { alpha: 0.4, minimumSalience: 0 });
    expect(fanIns(mask, 3)).toEqual([2, 2, 2]);
  });

  it('leaves enough columns for all the blocks', () => {
    // Five blocks need two columns of four rows, though all that is salient is in one: none is ablated then.
    // prettier-ignore
    const growthScores = [
      9, 0, 0,
      9, 0, 0,
      9, 0, 0,
      9, 0, 0,
    ];
    // prettier-ignore
    const own = [
      3, 1, 0,
      3, 0, 0,
      0, 0, 1,
      0, 1, 0,
    ];
    const before = Uint8Array.from(own, (score) => Number(score > 0));
    const mask = next(
      { chosen: before, scores: own, growthScores, keep: 5 },
      { alpha: 1, minimumSalience: 1 },
    );
    expect(fanIns(mask, 3)).toEqual([2, 2, 1]);
  });

  it('can let an ablated column return where its gradients are among the largest', () => {
    // prettier-ignore
    const ablated = Uint8Array.of(
      1, 1, 0,
      1, 1, 0,
      1, 1, 0,
      0, 0, 0,
    );
    // prettier-ignore
    const norms = [
      9, 8, 0,
      7, 6, 0,
      1, 2, 0,
      0, 0, 0,
    ];
    // prettier-ignore
    const growthScores = [
      1, 1, 5,
      1, 1, 4,
      1, 1, 1,
      1, 1, 1,
    ];
    // Salient are two a column, more than 0.3 · 3: 6 / 3 = 2 each.
    expect(fanIns(next({ chosen: ablated, scores: norms, growthScores }, { alpha: 0.4 }), 3)).toEqual([
      2, 2, 2,
    ]);
  });
});

describe('structured DST', () => {
  const model = (units: number, inputs: number) => {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 4 });
    const made = tf.sequential({
      layers: [tf.layers.dense({ units, inputShape: [inputs], kernelInitializer })],
    });
    made.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    return made;
  };

  it.each([
    [0.7, 7, 9, 6],
    [0.5, 7, 9, 10],
    [0.9, 7, 9, 2],
    [0.99, 7, 9, 1],
    [0, 7, 9, 20],
  ])(
    'at sparsity %d of a %d × %d kernel in ragged 2 × 2 blocks keeps exactly k at every step, fan-ins equal but for one',
    async (sparsity, units, inputs, k) => {
      const net = model(units, inputs);
      const pruning = await sparsify(net, structuredDst({ everySteps: 3, alpha: 0.6 }), {
        sparsity,
        blockShape: [2, 2],
        totalSteps: 28,
        minimumBlocks: 1,
      });
      const [x, y] = [
        tf.randomNormal([32, inputs], 0, 1, 'float32', 1),
        tf.randomNormal([32, units], 0, 1, 'float32', 2),
      ];
      const leaked: number[] = [];
      const seen = new Set<string>();
      for (let step = 0; step < 28; step++) {
        const mask = pruning.kernels[0]?.mask ?? [];
        seen.add(String(mask));
        const active = fanIns(mask, 4).filter((fanIn) => fanIn > 0);
        expect(sum(active)).toBe(k);
        expect(Math.max(...active) - Math.min(...active)).toBeLessThanOrEqual(1);
        await net.trainOnBatch(x, y);
        await pruning.step();
        leaked.push(tf.memory().numTensors);
      }
      if (k > 2 && k < 20) expect(seen.size).toBeGreaterThan(1);
      expect(new Set(leaked.slice(-5)).size).toBe(1);
      expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 20, keptBlocks: k });
    },
  );

  it('starts from a support by seed, each kernel its own', async () => {
    const supports = async (seed: number) => {
      const variables = { a: tf.variable(tf.ones([20, 20])), b: tf.variable(tf.ones([20, 20])) };
      const target = { sparsity: 0.9, blockShape: [1, 1], totalSteps: 200, optimizer: null } as const;
      const pruning = await sparsify(variables, structuredDst({ seed }), target);
      return pruning.kernels.map(({ mask }) => [...mask]);
    };
    const [first, again, other] = [await supports(1), await supports(1), await supports(2)];
    expect(first.map((mask) => fanIns(mask, 20))).toEqual([new Array(20).fill(2), new Array(20).fill(2)]);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(first[0]).not.toEqual(first[1]);
  });

  it('shares its blocks by Erdős–Rényi kernel, or as the target says', async () => {
    const counts = async (more: Partial<Target> = {}) => {
      const variables = { a: tf.variable(tf.ones([10, 10])), b: tf.variable(tf.ones([10, 40])) };
      const target = {
        sparsity: 0.5,
        blockShape: [1, 1],
        totalSteps: 200,
        optimizer: null,
        ...more,
      } as const;
      return (await sparsify(variables, structuredDst(), target)).kernels.map(({ kept }) => kept);
    };
    // Densities ε · 20/100 and ε · 50/400 with 100 · 0.2 ε + 400 · 0.125 ε = 250: 0.714 and 0.446.
    expect(await counts()).toEqual([71, 179]);
    expect(await counts({ allocation: uniform })).toEqual([50, 200]);
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(structuredDstByDefault).toBe(structuredDst);
    expect(structuredDst({ minimumSalience: 0.95 })).toMatchObject({
      name: 'structured-dst',
      settings: { everySteps: 100, until: 0.75, alpha: 0.3, minimumSalience: 0.95, seed: 0 },
    });
  });

  it('refuses settings out of range, each by its value', () => {
    expect(() => structuredDst({ minimumSalience: 1.5 })).toThrow('minimumSalience = 1.5 is not from 0 to 1');
    expect(() => structuredDst({ everySteps: 0 })).toThrow('everySteps = 0');
    expect(() => structuredDst({ until: 0 })).toThrow('until = 0');
    expect(() => structuredDst({ alpha: 2 })).toThrow('alpha = 2');
    expect(() => structuredDst({ seed: 0.5 })).toThrow('seed = 0.5');
  });
});
