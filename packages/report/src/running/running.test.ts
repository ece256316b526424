import { describe, expect, it } from 'vitest';

import { DARK } from '../palette.js';
import { figureHtml } from '../page/parts.js';
import { runningPlots, type RunningTrial } from './running.js';

const step = (at: number, loss: number, phase = 'dense') => ({
  ...{ step: at, loss, phase },
  learningRate: 0.1,
  sparsity: 0,
});
const trial: RunningTrial = {
  ...{ title: 'magnitude', index: 0, totalSteps: 4, dense: [] },
  steps: [step(0, 2), step(1, 1)],
  kernels: [
    { name: 'dense_1/kernel', gridShape: [2, 2], mask: Uint8Array.of(1, 0, 1, 0), factors: null },
    {
      ...{ name: 'dense_2/kernel', gridShape: [1, 3], mask: Uint8Array.of(1, 1, 0) },
      factors: Float32Array.of(0.5, 2, 9),
    },
  ],
};

describe('a trial that trains', () => {
  it('is its loss as far as it is, the masks, and the attention where there is some, in numbers too', async () => {
    const [loss, masks, attention] = await runningPlots(trial);
    expect(loss!.numbers).toEqual({ head: ['step', 'loss'], rows: [['0', '2.0000'], ['1', '1.0000']] }); // prettier-ignore
    expect(masks!.numbers.rows).toEqual([['dense_1', '4', '2'], ['dense_2', '3', '2']]); // prettier-ignore
    // What is pruned is multiplied by nothing, whatever its factor.
    expect(attention!.numbers.rows).toEqual([['dense_2', '0.5', '2']]);
    expect(masks!.svg).toContain('dense_1 2 of 4');
    // The least is faint, the largest full, in colours that the dark has, too.
    const cells = [
      ...attention!.svg.matchAll(/<path d="([^"]*)" fill="([^"]*)"(?: fill-opacity="([^"]*)")?/g),
    ];
    expect(cells.map(([, path, , opacity]) => [path, opacity])).toEqual([
      ['M0 0h1v1h-1z', '0.15'],
      ['M1 0h1v1h-1z', undefined],
    ]);
    for (const [, , colour] of cells) expect(DARK.has(colour!)).toBe(true);
    expect(figureHtml(masks!)).toContain('<figcaption>A cell is a block');
  });

  it('has nothing to show before its first steps, and of the dense baseline a loss alone', async () => {
    expect(await runningPlots({ ...trial, steps: [], kernels: [] })).toEqual([]);
    const dense = await runningPlots({ ...trial, title: 'dense', index: null, kernels: [] });
    expect(dense.map(({ title }) => title)).toEqual(['Training loss, dense']);
  });

  it('says of a long log as much as can be read, the latest last, and where a loss is not finite', async () => {
    const steps = Array.from({ length: 1000 }, (_, i) => step(i, i === 999 ? NaN : 1));
    const [loss] = await runningPlots({ ...trial, steps, totalSteps: 1000, kernels: [] });
    expect(loss!.numbers.rows.length).toBeLessThanOrEqual(20);
    expect(loss!.numbers.rows.at(-1)![1]).toBe('not finite');
  });

  it('refuses what is no trial by the name of what is wrong', async () => {
    await expect(runningPlots({ ...trial, index: -1 })).rejects.toThrow(/index = -1/);
    await expect(runningPlots({ ...trial, steps: 4 as never })).rejects.toThrow(/steps/);
  });
});
