/** A comparison on planted blocks that is there to be killed: `node comparison.mjs <folder> <processes|in-place>`. */
import { startBackend } from '@espalier/backend';
import { compare, inPlace, writeSummary } from '@espalier/experiment';
import { loadPruner, loadWorkload, openFolder, processes } from '@espalier/experiment/node';
import { fileURLToPath } from 'node:url';

const [folder, how] = process.argv.slice(2);
const CHECKPOINT_EVERY_MS = 50;
const STRATEGIES = ['magnitude', 'acdc', 'str', 'sequential-attention-plus-plus', 'rigl'];

const referenceTo = (name, module) => ({
  name,
  module: fileURLToPath(import.meta.resolve(module)),
  section: 'default',
  contentHash: null,
});
const workload = referenceTo('planted-blocks', '@espalier/workloads/planted-blocks');
const pruners = STRATEGIES.map((name) => referenceTo(name, `@espalier/${name}`));

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
  pruners: await Promise.all(
    pruners.map(async (reference) => ({ reference, pruner: await loadPruner(reference) })),
  ),
  seeds: [0],
  epochs: 12,
  executor,
  store,
  watcher: { progressed: () => process.send?.('progress') },
});
await writeSummary(store, summary);
process.disconnect?.();
