/**
 * The process of one trial: receives what to train, reports progress, leaves `result.json` behind. The
 * result appears whole or not at all.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import writeFileAtomic from 'write-file-atomic';

import { isUsageError } from '../errors.js';
import { loadPruner, loadWorkload } from '../registry.js';
import type { TrialOrder } from './run-trials.js';
import { train } from './train.js';
import type { TrialMessage } from './trial.js';

process.once('message', (order: TrialOrder) => {
  run(order).then(
    () => finish({ type: 'done' }),
    (error: unknown) =>
      finish({
        type: 'failed',
        message: describe(error),
      }),
  );
});

/** What is the user's to mend is said in a line; of anything else, where it happened helps. */
function describe(error: unknown): string {
  if (isUsageError(error)) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

// The command that started us is gone: its trials go on from their checkpoints when it is run again.
process.once('disconnect', () => process.exit(1));

async function run({ trial, folder, dataFolder }: TrialOrder): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(trial, null, 2)}\n`);
  const workload = await loadWorkload(trial.workload);
  const pruner = trial.pruner && (await loadPruner(trial.pruner));
  const result = await train(trial, workload, pruner, {
    dataFolder,
    folder,
    onProgress: (progress) => send({ type: 'progress', ...progress }),
  });
  await writeFileAtomic(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
}

function send(message: TrialMessage): void {
  process.send?.(message);
}

function finish(message: TrialMessage): void {
  process.send?.(message, () => process.exit(message.type === 'done' ? 0 : 1));
}
