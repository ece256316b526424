/**
 * A comparison on planted blocks that is there to be killed, or to run beside another on the same folder:
 * `node comparison.mjs <folder> <processes|in-place> <strategies, or all>`. Tells its parent of progress, and of each
 * trial that it ran itself.
 */
import { startBackend } from '@espalier/backend';
import { compare, inPlace, writeSummary } from '@espalier/experiment';
import { loadPruner, loadWorkload, openFolder, processes, withCode } from '@espalier/experiment/node';
import { fileURLToPath } from 'node:url';

const [folder, how, asked] = process.argv.slice(2);
const CHECKPOINT_EVERY_MS = 50;
const ALL = [
  ...['magnitude', 'acdc', 'powerpropagation', 'str', 'softmax-attention', 'sequential-attention-plus-plus'],
  ...['gmp', 'iht', 'group-lasso', 'l1-masks', 'sequential-attention', 'omp', 'omp/ompr', 'rigl'],
  ...['structured-dst', 'random'],
];
const strategies = asked === 'all' ? ALL : asked.split(',');

const referenceTo = (name, module) =>
  withCode({
    ...{ name, module: fileURLToPath(import.meta.resolve(module)) },
    ...{ section: 'default', contentHash: null },
  });
const workload = await referenceTo('planted-blocks', '@espalier/workloads/planted-blocks');
const pruners = [];
for (const name of strategies) {
  const reference = await referenceTo(name, `@espalier/${name}`);
  pruners.push({ reference, pruner: await loadPruner(reference) });
}

const executor =
  how === 'in-place'
    ? inPlace({ backend: await startBackend('wasm'), checkpointEveryMs: CHECKPOINT_EVERY_MS })
    : await processes({
        backend: 'wasm',
        accelerators: 'off',
        jobs: 2,
        checkpointEveryMs: CHECKPOINT_EVERY_MS,
      });
const store = await openFolder(folder);
const summary = await compare({
  workload: { reference: workload, workload: await loadWorkload(workload) },
  pruners,
  seeds: [0],
  epochs: 12,
  executor,
  store,
  onSummary: (summary) => writeSummary(store, summary),
  watcher: {
    progressed: () => process.send?.('progress'),
    ended: (trial, { status }, ran) => {
      if (ran) process.send?.({ ran: trial.pruner?.name ?? 'dense', status });
    },
    noted: (line) => process.send?.({ note: line }),
  },
});
await writeSummary(store, summary);
process.disconnect?.();
