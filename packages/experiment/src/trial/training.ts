/** What a workload's value says of training, as plain data: a part of what a trial is. */
import type { Workload } from '@espalier/workloads';

import { canonicalJson, textHash } from './hashes.js';
import type { Training } from './trial.js';

/** The learning rate is asked at so many places of its course. */
const PLACES = 65;

export function trainingOf({ defaults, optimizer: make, learningRate, target }: Workload): Training {
  const optimizer = make();
  try {
    const rates = Array.from({ length: PLACES }, (_, i) => learningRate(i / (PLACES - 1)));
    return {
      batchSize: defaults.batchSize,
      ...(defaults.microBatchSize !== undefined && { microBatchSize: defaults.microBatchSize }),
      optimizer: plain({ kind: optimizer.getClassName(), ...optimizer.getConfig() }),
      learningRate: textHash(rates.join()),
      ...(target?.minimumBlocks !== undefined && { minimumBlocks: target.minimumBlocks }),
    };
  } finally {
    optimizer.dispose();
  }
}

function plain(settings: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(canonicalJson(settings)) as Record<string, unknown>;
}
