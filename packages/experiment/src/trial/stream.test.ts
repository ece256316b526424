import type { Examples } from '@espalier/datasets';
import { describe, expect, it } from 'vitest';

import { gathered, stretches } from './stream.js';

/** One number an example, its own index; read one at a time, in whatever order they come. */
function read(count: number, fails = -1) {
  const state = { reading: 0, most: 0, asked: [] as number[], draws: [] as unknown[] };
  const examples: Examples = {
    count,
    inputs: [{ shape: [], type: 'float32' }],
    target: { shape: [], type: 'int32' },
    async gather(indices, draw) {
      state.asked.push(indices[0]!);
      state.draws.push(draw);
      state.most = Math.max(state.most, (state.reading += 1));
      // The later ones are there sooner.
      await new Promise((resolve) => setTimeout(resolve, 5 * (4 - (indices[0]! % 4))));
      state.reading -= 1;
      if (indices[0] === fails) throw new Error(`example ${fails} is damaged`);
      return { inputs: [Float32Array.from(indices)], targets: Int32Array.from(indices) };
    },
  };
  return { examples, state };
}

describe('batches that are read ahead', () => {
  it('come in the order asked for, whichever is read first, three at a time', async () => {
    const { examples, state } = read(10);
    const came: number[] = [];
    for await (const { batch } of gathered(examples, stretches(10, 1))) came.push(batch.targets[0]!);
    expect(came).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(state.most).toBe(3);
  });

  it('are no more than asked for, and the last one is smaller', async () => {
    const { examples, state } = read(5);
    const sizes: number[] = [];
    for await (const { count } of gathered(examples, stretches(5, 2))) sizes.push(count);
    expect(sizes).toEqual([2, 2, 1]);
    expect(state.asked).toEqual([0, 2, 4]);
  });

  it('fail when their turn comes, and are waited for', async () => {
    const { examples, state } = read(10, 2);
    const came: number[] = [];
    const reading = (async () => {
      for await (const { batch } of gathered(examples, stretches(10, 1))) came.push(batch.targets[0]!);
    })();
    await expect(reading).rejects.toThrow('example 2 is damaged');
    expect(came).toEqual([0, 1]);
    expect(state.reading).toBe(0);
  });

  it('are read no further where the reader stops', async () => {
    const { examples, state } = read(100);
    for await (const { batch } of gathered(examples, stretches(100, 1))) if (batch.targets[0] === 3) break;
    expect(state.asked.length).toBeLessThanOrEqual(6);
    expect(state.reading).toBe(0);
  });

  it('are looked at, and know what they are drawn for', async () => {
    const { examples, state } = read(4);
    const wanted = [{ indices: Int32Array.of(3), draw: { seed: 1, epoch: 2 } }];
    const seen: number[] = [];
    for await (const _ of gathered(examples, wanted, (_batch, indices) => seen.push(...indices)));
    expect(seen).toEqual([3]);
    expect(state.draws).toEqual([{ seed: 1, epoch: 2 }]);
  });
});
