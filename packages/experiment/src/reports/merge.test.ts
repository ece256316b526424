import { describe, expect, it } from 'vitest';

import type { Row, Summary } from '../summary.js';
import { heading } from './heading.js';
import { mergeSummaries } from './merge.js';

function row(pruner: string, seed: number, loss: number | null, totalMs = 1): Row {
  const dense = pruner === 'dense';
  return {
    ...{ pruner, seed, sparsity: dense ? 0 : 0.9, blockShape: dense ? [1, 1] : [8, 8] },
    ...{ allocation: dense ? null : 'uniform', status: loss === null ? 'failed' : 'ok' },
    metrics: loss === null ? null : { loss },
    achieved: loss === null ? null : { prunedLayers: 0.9, model: 0.8 },
    timing: { stepMs: 1, denseStepMs: 1, totalMs },
    fingerprint: loss === null ? null : { init: `i${seed}`, data: `d${seed}` },
    report: null,
  };
}

function summaryOf(rows: Row[], more: Partial<Summary> = {}): Summary {
  return {
    ...{ schemaVersion: 1, workload: 'w', scale: 'smoke', task: 'regression', epochs: 1, reference: 'dense' },
    environment: {
      ...{
        backend: 'wasm',
        device: 'd',
        kind: 'processor',
        accelerators: [],
        threads: 1,
        productCosts: null,
      },
      ...{ tfjs: '4', node: 'v20', platform: 'p', processor: 'c', cores: 2, jobs: 2, date: '2026-01-01' },
    },
    measures: [],
    rows,
    ...more,
  };
}

const first = { name: 'runs/a', summary: summaryOf([row('dense', 0, 1, 10), row('gmp', 0, 2)]) };

describe('several summaries as one', () => {
  it('have a trial that is in both once, with the times of the first', () => {
    const second = { name: 'runs/b', summary: summaryOf([row('dense', 0, 1, 99), row('acdc', 0, 3)]) };
    const { rows } = mergeSummaries([first, second]);
    expect(rows.map(({ pruner, timing }) => [pruner, timing.totalMs])).toEqual([
      ['dense', 10],
      ['gmp', 1],
      ['acdc', 1],
    ]);
  });

  it('have the dense baseline of new seeds before the strategies', () => {
    const second = { name: 'runs/b', summary: summaryOf([row('dense', 1, 1), row('gmp', 1, 2)]) };
    expect(mergeSummaries([first, second]).rows.map(({ pruner, seed }) => [pruner, seed])).toEqual([
      ['dense', 0],
      ['dense', 1],
      ['gmp', 0],
      ['gmp', 1],
    ]);
  });

  it('take a result in the place of a failure', () => {
    const failed = { name: 'runs/b', summary: summaryOf([row('gmp', 0, null)]) };
    expect(mergeSummaries([failed, first]).rows.find(({ pruner }) => pruner === 'gmp')?.status).toBe('ok');
    expect(mergeSummaries([first, failed]).rows.find(({ pruner }) => pruner === 'gmp')?.status).toBe('ok');
  });

  it('say what they were computed on, and how many trials are still to come', () => {
    const { summary } = first;
    const environment = { ...summary.environment, processor: 'another' };
    const second = summaryOf([row('acdc', 0, 3)], { environment, planned: 4, command: 'espalier compare' });
    const merged = mergeSummaries([first, { name: 'runs/b', summary: second }]);
    expect(merged.planned).toBe(3 + 3);
    expect(merged.command).toBe('espalier compare');
    const lines = heading(merged).join('\n');
    expect(lines).toContain('another, 2 cores');
    expect(lines).toContain('times are of several machines');
    expect(lines).toContain('unfinished: 3 of 6 trials have ended');
  });

  it.each<[string, Partial<Summary>]>([
    ['runs/a is of workload w, runs/b of v: give folders of one workload', { workload: 'v' }],
    ['runs/a is of scale smoke, runs/b of small: give folders of one scale', { scale: 'small' }],
    ['runs/a is of number of epochs 1, runs/b of 9: give folders of one number of epochs', { epochs: 9 }],
    ['runs/a is of split test, runs/b of validation: give folders of one split', { split: 'validation' }],
  ])('are refused in a line where they differ: %s', (line, more) => {
    const second = { name: 'runs/b', summary: summaryOf([], more) };
    expect(() => mergeSummaries([first, second])).toThrow(line);
  });

  it('are refused where one has tuned settings and the other has not', () => {
    const tuning = {
      by: 'loss',
      search: 'random',
      seed: 0,
      seeds: [9],
      epochs: 1,
      rounds: [],
      spent: 1,
    } as const;
    const second = { name: 'runs/b', summary: summaryOf([], { tuning }) };
    expect(() => mergeSummaries([first, second])).toThrow(
      /runs\/a has settings that were not tuned, runs\/b/,
    );
  });

  it('are refused where one trial came out in two ways', () => {
    const second = { name: 'runs/b', summary: summaryOf([row('gmp', 0, 2.5)]) };
    expect(() => mergeSummaries([first, second])).toThrow(
      'gmp 90.00% in 8×8 uniform seed 0 has different results in runs/a and runs/b (loss 2 and 2.5): report them apart',
    );
  });
});
