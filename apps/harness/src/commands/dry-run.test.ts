import type { Estimate, EstimatedTrial } from '@espalier/experiment';
import { describe, expect, it } from 'vitest';

import { describeEstimate } from './dry-run.js';

const trial = (more: Partial<EstimatedTrial>): EstimatedTrial => ({
  ...{ pruner: 'magnitude', sparsity: 0.9, blockShape: [16, 16], seed: 0, state: 'to do', timeMs: 60_000 },
  allocation: { name: 'uniform', of: 'core' },
  ...more,
});

const estimateOf = (trials: readonly EstimatedTrial[]): Estimate => ({
  ...{ schemaVersion: 1, workload: 'mnist-mlp', epochs: 4, device: 'WebAssembly', jobs: 2, trials },
  ...{ timeMs: 5_400_000, diskBytes: 3_700_000, checkpointBytes: 12e6, memoryBytes: 1.2e9 },
});

const linesOf = (trials: readonly EstimatedTrial[]) =>
  describeEstimate(estimateOf(trials), 'runs/a').split('\n');

describe('describeEstimate', () => {
  it('has a row for each strategy and target, and what is done already', () => {
    const lines = linesOf([
      trial({ pruner: 'dense', allocation: null, state: 'done', timeMs: 0 }),
      trial({ state: 'begun', timeMs: 30_000 }),
      trial({ seed: 1 }),
      trial({ sparsity: 0.95 }),
    ]);
    const row = (start: string) => lines.find((line) => line.startsWith(`│ ${start}`))?.split(/\s*│\s*/);
    expect(row('dense')?.slice(1, -1)).toEqual(['dense', '–', '0', '1 of 1', '–', '–']);
    expect(row('magnitude')?.slice(1, -1)).toEqual([
      ...['magnitude', '0.9 16×16', '0, 1', '0 of 2', '45 s', '1.5 min'],
    ]);
    expect(lines).toContain('Trials  4: 1 done in runs/a, 1 begun, 2 to do');
    expect(lines).toContain('Time    about 1.5 h');
    expect(lines).toContain('Disk    about 3.7 MB, and 12 MB while it runs');
    expect(lines).toContain('Memory  about 1.2 GB');
  });

  it('fits 100 columns, and puts together the targets of a strategy where there are many', () => {
    const many = Array.from({ length: 15 }, (_, i) => i).flatMap((i) =>
      ['sequential-attention-plus-plus', 'magnitude', 'a-name-that-is-longer-than-any-other-one'].flatMap(
        (pruner) =>
          Array.from({ length: 12 }, (_, seed) =>
            trial({ pruner, seed, sparsity: i / 20, allocation: { name: 'erdos-renyi-kernel', of: 'core' } }),
          ),
      ),
    );
    const few = many.slice(0, 72);
    for (const trials of [few, many]) {
      expect(Math.max(...linesOf(trials).map((line) => line.length))).toBeLessThanOrEqual(100);
    }
    expect(linesOf(many).find((line) => line.includes('│ magnitude'))).toMatch(
      /15 targets .* 12 seeds .* 0 of 180/,
    );
    expect(linesOf(many).length).toBeLessThan(20);
  });
});
