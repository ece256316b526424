/** For tests: comparisons as they come out, made up from numbers that each test gives. */
import {
  describeMeasures,
  packMask,
  type MaskRecord,
  type Row,
  type StepMetrics,
  type Summary,
  type Trial,
} from '@espalier/experiment';

import type { Compared, TrialRecord } from './report.js';

export interface Given {
  readonly pruners: readonly string[];
  readonly sparsities: readonly number[];
  readonly seeds: readonly number[];
  /** Accuracy from 0 to 1. */
  readonly accuracy?: (pruner: string, sparsity: number, seed: number) => number;
  /** Of all, what the summary has beside. */
  readonly more?: Partial<Summary> & Readonly<Record<string, unknown>>;
}

/** The true support of the one kernel, of 4 × 4 blocks; and what is found of it: two of three, and one that is none. */
const TRUTH = Uint8Array.from([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
const FOUND = Uint8Array.from([1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

export function comparedOf({ pruners, sparsities, seeds, accuracy = () => 0.9, more = {} }: Given): Compared {
  const rows = seeds.map((seed) => rowOf('dense', 0, seed, accuracy('dense', 0, seed)));
  for (const pruner of pruners) {
    for (const sparsity of sparsities) {
      rows.push(...seeds.map((seed) => rowOf(pruner, sparsity, seed, accuracy(pruner, sparsity, seed))));
    }
  }
  const summary: Summary = {
    schemaVersion: 1,
    ...{ workload: 'digits', scale: 'smoke', task: 'classification', epochs: 2, reference: 'dense' },
    environment: {
      ...{ backend: 'wasm', device: 'WebAssembly', kind: 'processor', accelerators: [], threads: 1, jobs: 1 },
      ...{ productCosts: null, tfjs: '4.22.0', node: 'v20.19.0', platform: 'linux x64' },
      ...{ processor: 'a processor', cores: 2, date: '2026-11-28T00:00:00.000Z' },
    },
    measures: describeMeasures({ name: 'classification' }),
    ...more,
    rows,
  };
  return { summary, trials: rows.map(recordOf) };
}

function rowOf(pruner: string, sparsity: number, seed: number, accuracy: number): Row {
  const pruned = pruner !== 'dense';
  return {
    ...{ pruner, sparsity, seed, status: 'ok', allocation: pruned ? 'uniform' : null },
    blockShape: pruned ? [8, 8] : [1, 1],
    metrics: { loss: 1 - accuracy, accuracy },
    achieved: { prunedLayers: sparsity, model: sparsity },
    timing: { stepMs: 2, denseStepMs: 2, totalMs: 2000 + 100 * seed, predictMs: 4 },
    cost: {
      multiplyAdds: 1024,
      keptMultiplyAdds: 1024 * (1 - sparsity),
      theoreticalSpeedUp: 1 / (1 - sparsity),
    },
    blockSparse: pruned ? { predictMs: 2 } : null,
    search: pruned ? { attentionLowest: 0.8, attentionHighest: 1.3, attentionDeviation: 0.1 } : null,
    fingerprint: { init: `init${seed}`, data: `data${seed}` },
    report: pruned ? ({ pruned: [{ name: 'dense_1/kernel', blocks: 16, keptBlocks: 3 }] } as never) : null,
  };
}

function recordOf(row: Row): TrialRecord {
  const { pruner, sparsity, blockShape, seed, metrics, fingerprint } = row;
  const pruned = pruner !== 'dense';
  const reference = { module: null, section: 'default', contentHash: null } as const;
  const trial: Trial = {
    workload: { ...reference, name: 'digits' },
    pruner: pruned ? { ...reference, name: pruner, settings: { dense: 0.5 } } : null,
    ...{ sparsity, blockShape, seed, epochs: 2, backend: 'wasm', accelerators: [], threads: 1 },
    ...{ sparsePhases: pruned, allocation: pruned ? { name: 'uniform', of: 'core' } : null },
  };
  return {
    name: `${pruner}-${sparsity}-${seed}`,
    trial,
    result: {
      ...{ id: 'an-id', status: 'ok', measures: { loss: metrics!.loss }, report: null, device: 'd' },
      fingerprint: fingerprint!,
      search: pruned
        ? {
            choices: [
              { step: 10, kept: 3, entered: 0, left: 13 },
              { step: 15, kept: 3, entered: 1, left: 1 },
            ],
            attention: null,
          }
        : null,
    },
    steps: stepsOf(pruned ? sparsity : 0),
    masks: pruned ? MASKS : null,
    models: pruned ? ['dense/model.json'] : [],
    place: `../runs/my run/trials/${pruner}`,
  };
}

/** Half of them dense, half at the sparsity. */
function stepsOf(sparsity: number): StepMetrics[] {
  return Array.from({ length: 20 }, (_, step) => ({
    ...{ step, loss: 2 / (1 + step), learningRate: 0.1 },
    phase: step < 10 || sparsity === 0 ? 'dense' : 'sparse',
    sparsity: step < 10 ? 0 : sparsity,
  }));
}

const MASKS: MaskRecord = {
  kernels: [{ name: 'dense_1/kernel', blockShape: [8, 8], gridShape: [4, 4], truth: packMask(TRUTH) }],
  made: 2,
  choices: [
    { choice: 0, step: 10, kept: [packMask(TRUTH)] },
    { choice: 1, step: 15, kept: [packMask(FOUND)] },
  ],
  final: [packMask(FOUND)],
};
