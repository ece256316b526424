import { describe, expect, it } from 'vitest';

import { cubic, exponential, spans } from '../src/phases.js';

describe('the curves of gradual pruning', () => {
  it('are those of the papers, at 90%', () => {
    const at = [0.25, 0.5, 0.75];
    const sparsities = (curve: (t: number) => number) => at.map((t) => Number((0.9 * curve(t)).toFixed(7)));
    expect(sparsities(cubic)).toEqual([0.5203125, 0.7875, 0.8859375]);
    sparsities(exponential(4)).forEach((value, i) =>
      expect(value).toBeCloseTo([0.579523, 0.792717, 0.871147][i], 6),
    );
  });
});

describe('shares of training', () => {
  it('are laid on the steps one after the other, each boundary at the nearest', () => {
    expect(spans([0.25, 0.3, 0.45], 10)).toEqual([
      { start: 0, end: 3 },
      { start: 3, end: 6 },
      { start: 6, end: 10 },
    ]);
  });
});
