/** The process of one trial: receives what to train, reports progress, leaves the result in the store. */
import { messageOf } from '../../errors.js';
import { assertCode } from '../../modules/assert-code.js';
import { loadPruner, loadWorkloadOf } from '../../modules/references.js';
import { storeAt } from '../../store/open.js';
import { LeaseLost } from '../../store/trouble.js';
import { trialName } from '../../trial/identity.js';
import { train } from '../../trial/train.js';
import type { TrialMessage, TrialOrder } from './messages.js';
import { startFor } from './start.js';

process.once('message', (order: TrialOrder) => {
  run(order).then(
    () => finish({ type: 'done' }),
    (error: unknown) => {
      finish({ type: 'failed', message: messageOf(error), taken: error instanceof LeaseLost });
    },
  );
});

// The command that started us is gone: its trials go on from their checkpoints when it is run again.
process.once('disconnect', () => process.exit(1));

/** Told to stop: with a checkpoint where it trains, at once where it does not. */
const stopping = new AbortController();
let training = false;
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    if (!training) process.exit(1);
    stopping.abort(new Error('it was told to stop'));
  });
}

async function run(order: TrialOrder): Promise<void> {
  const { trial, address, lease, dataFolder, saveModels, mixed, checkpointEveryMs } = order;
  const store = (await storeAt(address)).trial(trialName(trial), lease);
  await store.begin(trial);
  const workload = await loadWorkloadOf(trial);
  const pruner = trial.pruner && (await loadPruner(trial.pruner));
  const backend = await startFor(trial);
  await assertCode(trial);
  const result = await train(trial, workload, pruner, {
    ...{ backend, store, dataFolder, saveModels, mixed },
    ...(checkpointEveryMs !== undefined && { checkpointEveryMs }),
    signal: stopping.signal,
    onStart: () => (training = true),
    onProgress: (progress) => send({ type: 'progress', ...progress }),
    onNote: (line) => send({ type: 'note', line }),
    peakMemoryBytes: () => process.resourceUsage().maxRSS * 1024,
  });
  await store.publish(result);
}

function send(message: TrialMessage): void {
  process.send?.(message);
}

function finish(message: TrialMessage): void {
  process.send?.(message, () => process.exit(message.type === 'done' ? 0 : 1));
}
