/** What the page of the browser test and Node both run. */
import '@espalier/wasm-training';
import { magnitude } from '@espalier/magnitude';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import { workloads } from '@espalier/workloads';

import { compare, currentBackend, inPlace, memoryStore, reports } from '../index.js';

export interface Ran {
  readonly backend: string;
  /** Of the test set, by strategy. */
  readonly losses: readonly (readonly [string, number | undefined])[];
  readonly fingerprints: readonly unknown[];
  readonly markdown: string;
}

export async function runTrials(epochs = 8): Promise<Ran> {
  const backend = await currentBackend();
  const workload = await workloads['planted-blocks']!();
  const summary = await compare({
    workload,
    pruners: [magnitude(), sequentialAttentionPlusPlus()],
    seeds: [0],
    epochs,
    executor: inPlace({ backend }),
    store: memoryStore(),
  });
  const { rows } = summary;
  return {
    backend: backend.name,
    losses: rows.map(({ pruner, metrics }) => [pruner, metrics?.loss]),
    fingerprints: rows.map(({ fingerprint }) => fingerprint),
    markdown: reports.markdown(summary),
  };
}
