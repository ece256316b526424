import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { complement, DivergedError, growMask, keepAll, keptBlocks, topK } from './mask.js';
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

describe('topK beside a plain sort', () => {
  /** The indices by score, the earlier of equals first: what it is to choose, by a sort that compares and no more. */
  function sorted(scores: ArrayLike<number>, k: number, candidates?: Uint8Array): number[] {
    const order = Array.from(scores, (_, block) => block).filter((block) => !candidates || candidates[block]);
    order.sort((a, b) => (scores[a]! === scores[b]! ? a - b : scores[a]! > scores[b]! ? -1 : 1));
    const kept = new Set(order.slice(0, k));
    return Array.from(scores, (_, block) => Number(kept.has(block)));
  }
  // Many that are equal, zeros of both signs, ends of the range, and doubles that single precision does not tell apart.
  const few = fc.constantFrom(0, -0, 1, -1, 1 + 2 ** -40, 1 + 2 ** -41, Infinity, -Infinity, 1e300, -1e300);
  const tiny = fc.constantFrom(0, -0, 5e-324, -5e-324, 1e-45, -1e-45, 2e-45, 1.17549435e-38);
  const any = fc.double({ noNaN: true });

  it.each([
    ['single', (values: number[]) => Float32Array.from(values)],
    ['double', (values: number[]) => Float64Array.from(values)],
  ])('is the same for numbers of %s precision, from k = 0 to all', (_, make) => {
    const scores = fc.oneof(...[few, tiny, any, fc.oneof(few, tiny, any)].map((one) => fc.array(one)));
    fc.assert(
      fc.property(scores, fc.array(fc.boolean()), (values, may) => {
        const own = make(values);
        const candidates = Uint8Array.from(values, (__, block) => Number(may[block] ?? true));
        for (let k = 0; k <= values.length; k++) {
          expect([...topK(own, k)]).toEqual(sorted(own, k));
          expect([...topK(own, k, candidates)]).toEqual(sorted(own, k, candidates));
        }
      }),
    );
  });

  it('is the same for many, and leaves scores and candidates as they were', () => {
    const draw = (i: number) => Math.imul(i, 0x9e3779b1) >>> 0;
    for (const ties of [3, 1000, 2 ** 32]) {
      const scores = Float32Array.from({ length: 5000 }, (_, i) => (draw(i) % ties) - ties / 3);
      const candidates = Uint8Array.from(scores, (_, i) => draw(i + 7) & 1);
      const before = [scores.slice(), candidates.slice()];
      for (const k of [0, 1, 500, 2400, 5000]) {
        expect([...topK(scores, k)]).toEqual(sorted(scores, k));
        expect([...topK(scores, k, candidates)]).toEqual(sorted(scores, k, candidates));
      }
      expect([scores, candidates]).toEqual(before);
      const whole = topK(scores, 5000, candidates);
      whole.fill(0);
      expect(candidates).toEqual(before[1]);
    }
  });

  it('finds a NaN anywhere, in either precision, unless it is no candidate', () => {
    for (const scores of [new Float32Array(9), new Float64Array(9)]) {
      scores[8] = Number.NaN;
      expect(() => topK(scores, 0)).toThrow('The importance score of block 8 is NaN');
      expect(keptBlocks(topK(scores, 3, complement(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1))))).toBe(3);
    }
  });
});

describe('a mask', () => {
  it('has a complement', () => {
    expect([...complement(Uint8Array.of(0, 1, 1))]).toEqual([1, 0, 0]);
  });

  it('counts what it keeps, of every length and from everywhere in memory', () => {
    const bits = Uint8Array.from({ length: 3000 }, (_, i) => +(Math.imul(i, 0x9e3779b1) >>> 31 === 1));
    for (const all of [bits, bits.map(() => 1)]) {
      for (const length of [0, 1, 2, 3, 4, 5, 7, 8, 1019, 1020, 1021, 1024, 2100, 2999]) {
        for (let start = 0; start < 5; start++) {
          const part = all.subarray(start, start + length);
          expect(keptBlocks(part)).toBe(part.filter((bit) => bit === 1).length);
        }
      }
    }
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
