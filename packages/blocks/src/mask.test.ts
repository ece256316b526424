import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { DivergedError, growMask, keepAll, keptBlocks, topK } from './mask.js';
import { naiveTopK } from './test-support.js';

describe('topK', () => {
  it('keeps the highest scores', () => {
    expect([...topK([0.1, 3, -2, 7, 1], 2)]).toEqual([0, 1, 0, 1, 0]);
  });

  it('keeps the earlier of equal scores', () => {
    expect([...topK([1, 2, 1, 2, 1], 3)]).toEqual([1, 1, 0, 1, 0]);
    expect([...topK(new Float32Array(1000), 2)].indexOf(0)).toBe(2);
  });

  it('takes 0 and −0 for equal', () => {
    expect([...topK([-0, 0, -0], 1)]).toEqual([1, 0, 0]);
  });

  it('ranks infinities at the ends, and the earlier of two first', () => {
    expect([...topK([0, Infinity, -Infinity, Infinity], 1)]).toEqual([0, 1, 0, 0]);
    expect([...topK([-Infinity, 0, -Infinity, Infinity], 3)]).toEqual([1, 1, 0, 1]);
  });

  it('chooses among the candidates alone, all of them when there are too few', () => {
    const candidates = Uint8Array.of(0, 1, 1, 0);
    expect([...topK([9, 1, 2, 8], 1, candidates)]).toEqual([0, 0, 1, 0]);
    expect([...topK([9, 1, 2, 8], 3, candidates)]).toEqual([0, 1, 1, 0]);
  });

  it("takes a candidate's NaN for divergence, and does not look at the others' scores", () => {
    expect(() => topK([1, Number.NaN], 1)).toThrow(DivergedError);
    expect(() => topK([1, Number.NaN], 1)).toThrow('The importance score of block 1 is NaN');
    expect([...topK([1, Number.NaN], 1, Uint8Array.of(1, 0))]).toEqual([1, 0]);
  });

  it.each([-1, 1.5, Number.NaN])('refuses k = %s', (k) => {
    expect(() => topK([1, 2], k)).toThrow(`k = ${k} is not a whole number of at least 0`);
  });

  it('agrees with a full sort, keeps min(k, candidates) of them, and never a lower score than one left out', () => {
    const score = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom(Infinity, -Infinity),
      fc.double({ noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(score, fc.boolean()), { maxLength: 40 }), fc.nat(45), (blocks, k) => {
        const scores = blocks.map(([value]) => value);
        const candidates = Uint8Array.from(blocks, ([, may]) => Number(may));
        const mask = topK(scores, k, candidates);
        const among = blocks.flatMap(([, may], i) => (may ? [i] : []));
        const expected = naiveTopK(
          among.map((i) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, scores[i] as number))),
          k,
        );
        expect(among.map((i) => mask[i])).toEqual(expected);
        expect(keptBlocks(mask)).toBe(Math.min(k, among.length));
      }),
    );
  });
});

describe('a mask', () => {
  it('counts what it keeps', () => {
    expect(keptBlocks(keepAll(7))).toBe(7);
    expect(keptBlocks(Uint8Array.of(0, 1, 0, 1))).toBe(2);
  });
});

describe('growMask', () => {
  it('adds the highest scores among the others until k blocks are kept', () => {
    const mask = Uint8Array.from([0, 1, 0, 0, 1]);
    expect([...growMask(mask, [3, 9, 1, 2, 0], 4)]).toEqual([1, 1, 0, 1, 1]);
    expect([...growMask(mask, [3, 9, 1, 2, 0], 4, Uint8Array.from([0, 0, 1, 1, 0]))]).toEqual([
      0, 1, 1, 1, 1,
    ]);
  });

  it('leaves a mask as it is that keeps as many already', () => {
    expect([...growMask(Uint8Array.from([1, 1, 0]), [0, 0, 9], 1)]).toEqual([1, 1, 0]);
  });
});
