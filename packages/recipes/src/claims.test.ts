import type { MeasureDescription, Row } from '@espalier/experiment';
import { expect, test } from 'vitest';

import { besidePaper } from './beside-paper.js';
import { judgeClaims } from './claims.js';
import type { Claim } from './recipe.js';

const measure = (better: 'higher' | 'lower'): MeasureDescription => ({
  ...{ key: 'quality', title: 'quality', format: { digits: 2 }, better, place: 0 },
});

const row = (pruner: string, seed: number, quality: number | null, side = 8): Row =>
  ({
    ...{
      pruner,
      seed,
      sparsity: 0.9,
      blockShape: [side, side],
      status: quality === null ? 'diverged' : 'ok',
    },
    metrics: quality === null ? null : { loss: 0, quality },
  }) as unknown as Row;

const claim: Claim = {
  ...{ id: 'a-over-b', statement: 'a is better than b.', better: { entrant: 'a' }, than: { entrant: 'b' } },
};

test('differences are paired by seed and averaged over targets', () => {
  const rows = [
    ...[row('a', 0, 5, 8), row('a', 0, 7, 16), row('b', 0, 1, 8), row('b', 0, 2, 16)],
    ...[row('a', 1, 5, 8), row('a', 1, 5, 16), row('b', 1, 3, 8), row('b', 1, 2, 16)],
  ];
  const [judged] = judgeClaims([claim], rows, measure('higher'));
  expect(judged!.differences).toEqual([
    { seed: 0, difference: 4.5 },
    { seed: 1, difference: 2.5 },
  ]);
  expect(judged).toMatchObject({ mean: 3.5, count: 2, verdict: 'undecided' });
});

test('where less is better, the side with less is ahead', () => {
  const rows = [0, 1, 2].flatMap((seed) => [row('a', seed, 1 + seed / 100), row('b', seed, 2)]);
  const [judged] = judgeClaims([claim], rows, measure('lower'));
  expect(judged).toMatchObject({ verdict: 'holds', count: 3 });
  expect(judged!.mean).toBeCloseTo(0.99, 10);
});

test('a side at one target is that target alone', () => {
  const rows = [row('a', 0, 5, 8), row('a', 0, 2, 32), row('a', 1, 6.1, 8), row('a', 1, 2.1, 32)];
  const blocks: Claim = {
    ...claim,
    better: { entrant: 'a', blockShape: [8, 8] },
    than: { entrant: 'a', blockShape: [32, 32] },
  };
  expect(judgeClaims([blocks], rows, measure('higher'))[0]).toMatchObject({ mean: 3.5, count: 2, asked: 2 });
});

test('a seed counts where both sides have all their values, and one that is missing leaves the claim undecided', () => {
  const rows = [
    ...[row('a', 0, 5), row('b', 0, 1), row('a', 1, null), row('b', 1, 1)],
    ...[row('a', 2, 5), row('a', 3, 7), row('b', 3, 1)],
  ];
  const [judged] = judgeClaims([claim], rows, measure('higher'));
  expect(judged!.differences.map(({ seed }) => seed)).toEqual([0, 3]);
  expect(judged).toMatchObject({ verdict: 'undecided', count: 2, asked: 4 });
});

test("the paper's figures stand beside the means of what was run there", () => {
  const paper = [
    { entrant: 'a', sparsity: 0.9, blockShape: [8, 8] as const, value: 0.5 },
    { entrant: 'a', sparsity: 0.95, blockShape: [8, 8] as const, value: null },
  ];
  const rows = [row('a', 0, 4), row('a', 1, 6), row('a', 2, null)];
  expect(besidePaper(paper, rows, measure('higher')).map(({ ours }) => ours)).toEqual([5]);
  // Where nothing was run that the paper has, its figures stand alone.
  expect(besidePaper(paper, [], measure('higher')).map(({ ours }) => ours)).toEqual([null, null]);
});
