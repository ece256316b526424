import type { KernelState } from '@espalier/core';
import { describe, expect, it } from 'vitest';

import { SearchWatch } from './search-watch.js';

/** A kernel of four blocks, and the way to choose some of them. */
function kernel() {
  const state = { chosen: new Uint8Array(4).fill(1), grid: { blocks: 4 } };
  const choose = (...blocks: number[]) => {
    state.chosen = Uint8Array.from([0, 1, 2, 3], (block) => Number(blocks.includes(block)));
  };
  return { kernel: state as unknown as KernelState, choose };
}

describe('what a search did', () => {
  it('is which blocks came and went at each choice that pruned, dense phases passed over', () => {
    const { kernel: own, choose } = kernel();
    const watch = new SearchWatch([own]);
    watch.look(1, 5);
    choose(0, 1);
    watch.look(2, 5);
    watch.look(3, 5);
    choose(0, 1, 2, 3); // a dense phase
    watch.look(4, 7);
    choose(1, 2);
    watch.look(5, 9);
    expect(watch.state()).toEqual({
      choices: [
        { step: 2, kept: 2, entered: 0, left: 2 },
        { step: 5, kept: 2, entered: 1, left: 1 },
      ],
      choosingMs: 5 + 7 + 9,
      // The bits 0011 and 0110, the first block the lowest.
      masks: [
        { choice: 0, step: 2, kept: ['Aw=='] },
        { choice: 1, step: 5, kept: ['Bg=='] },
      ],
      support: [[1, 2]],
      reopened: false,
    });
  });

  it('is told of the support alone where each cycle prunes gradually anew', () => {
    const { kernel: own, choose } = kernel();
    const watch = new SearchWatch([own]);
    const chosen = [[0, 1, 2], [0, 1], [0, 1, 2, 3], [0, 1, 3], [0, 3]]; // prettier-ignore
    chosen.forEach((blocks, i) => {
      choose(...blocks);
      watch.look(i + 1, 0);
    });
    expect(watch.state().choices).toEqual([
      { step: 1, kept: 3, entered: 0, left: 1 },
      { step: 2, kept: 2, entered: 0, left: 1 },
      { step: 5, kept: 2, entered: 1, left: 1 },
    ]);
  });

  it('follows forward selection, which begins with no block and takes one after another, and changes its mind', () => {
    const { kernel: own, choose } = kernel();
    choose();
    const watch = new SearchWatch([own]);
    [[0], [0, 1], [0, 2], [0, 2, 3]].forEach((blocks, i) => {
      choose(...blocks);
      watch.look(i + 1, 0);
    });
    expect(watch.state().choices).toEqual([
      { step: 0, kept: 0, entered: 0, left: 4 },
      { step: 1, kept: 1, entered: 1, left: 0 },
      { step: 2, kept: 2, entered: 1, left: 0 },
      { step: 3, kept: 2, entered: 1, left: 1 },
      { step: 4, kept: 3, entered: 1, left: 0 },
    ]);
  });

  it('has a choice that was made before the first step', () => {
    const { kernel: own, choose } = kernel();
    choose(3);
    expect(new SearchWatch([own]).state().choices).toEqual([{ step: 0, kept: 1, entered: 0, left: 3 }]);
  });

  it('goes on from a checkpoint as if it had not been interrupted', () => {
    const runs = [0, 1].map(() => {
      const { kernel: own, choose } = kernel();
      return { own, choose, watch: new SearchWatch([own]) };
    });
    const [first, second] = runs as [(typeof runs)[0], (typeof runs)[0]];
    first.choose(0, 1);
    first.watch.look(1, 2);
    first.choose(0, 1, 2, 3);
    first.watch.look(2, 2);
    second.choose(0, 1, 2, 3);
    second.watch.restore(structuredClone(first.watch.state()));
    for (const { watch, choose } of runs) {
      choose(0, 3);
      watch.look(3, 2);
    }
    expect(second.watch.state()).toEqual(first.watch.state());
    expect(second.watch.state().choices.at(-1)).toEqual({ step: 3, kept: 2, entered: 1, left: 1 });
  });
});
