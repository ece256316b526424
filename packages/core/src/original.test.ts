/**
 * Erdős–Rényi kernel against the programs of google-research/jaxpruner and google-research/rigl: `original/` has their
 * results, and says where they come from.
 */
import { readFileSync } from 'node:fs';

import { blockGrid, matrixShape } from '@espalier/blocks';
import { describe, expect, it } from 'vitest';

import { erdosRenyiKernel } from './allocation.js';

interface Result {
  density: number[];
  kept: number[];
  total: number;
}

interface Original {
  layers: { name: string; shape: number[] }[];
  items: { sparsity: number; jaxpruner: Result; google: Result }[];
}

const { layers: named, items } = JSON.parse(
  readFileSync(new URL('original/erk-resnet20.json', import.meta.url), 'utf8'),
) as Original;

describe('Erdős–Rényi kernel over ResNet-20', () => {
  const layers = named.map(({ shape }) => {
    const grid = blockGrid(matrixShape(shape), [1, 1]);
    return { grid, kernelShape: shape, scores: new Float32Array(grid.blocks) };
  });
  const total = layers.reduce((sum, { grid }) => sum + grid.blocks, 0);

  // They round the share of each layer, of what is dense first, so that their total is off; ours is not rounded.
  it.each(items)(
    'at $sparsity has the same dense layers, the same densities to a thousandth, and a total nearer to the budget',
    ({ sparsity, jaxpruner, google }) => {
      const densities = erdosRenyiKernel.densities!(layers, sparsity);
      const kept = erdosRenyiKernel.keep(layers, sparsity);
      const off = (sum: number) => Math.abs(sum - total * (1 - sparsity));
      for (const theirs of [jaxpruner, google]) {
        expect(densities.map((density) => density === 1)).toEqual(
          theirs.density.map((density) => density === 1),
        );
        theirs.density.forEach((density, i) => {
          expect(Math.abs(densities[i]! / density - 1)).toBeLessThan(1e-3);
          expect(Math.abs(kept[i]! - theirs.kept[i]!)).toBeLessThanOrEqual(1 + 1e-3 * theirs.kept[i]!);
        });
        expect(off(kept.reduce((a, b) => a + b))).toBeLessThan(off(theirs.total));
      }
    },
  );
});
