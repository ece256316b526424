import { describe, expect, it } from 'vitest';

import { batchesOf } from './batches.js';

const steps = (batches: ReturnType<typeof batchesOf>) =>
  Array.from({ length: batches.totalSteps }, (_, step) => [...batches.at(step)]);

describe('batchesOf', () => {
  it('shows every example once an epoch, in another order in each, the last batch smaller', () => {
    const batches = batchesOf({ seed: 0, epochs: 2 }, 10, 4);
    const all = steps(batches);
    expect(all.map(({ length }) => length)).toEqual([4, 4, 2, 4, 4, 2]);
    const epochs = [all.slice(0, 3).flat(), all.slice(3).flat()];
    for (const epoch of epochs) expect([...epoch].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect(batches.order).toMatch(/: seed 0, 10 examples, 2 epochs, batches of 4$/);
  });

  it('is the same for one seed, from wherever it goes on, and another for another', () => {
    const straight = steps(batchesOf({ seed: 3, epochs: 3 }, 20, 8));
    const resumed = batchesOf({ seed: 3, epochs: 3 }, 20, 8);
    expect([...resumed.at(7)]).toEqual(straight[7]);
    expect([...resumed.at(2)]).toEqual(straight[2]);
    expect(steps(batchesOf({ seed: 4, epochs: 3 }, 20, 8))).not.toEqual(straight);
  });
});
