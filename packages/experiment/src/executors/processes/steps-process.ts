/** The process that trains a few steps of a trial, to tell what the whole of it takes. */
import { loadPruner, loadWorkloadOf } from '../../modules/references.js';
import { messageOf } from '../../errors.js';
import { measureSteps, type TrialCosts } from '../../measure-steps.js';
import type { StepsMessage, StepsOrder } from './messages.js';
import { startFor } from './start.js';

process.once('message', (order: StepsOrder) => {
  measure(order).then(
    (costs) => finish({ type: 'measured', costs }),
    (error: unknown) => finish({ type: 'failed', message: messageOf(error) }),
  );
});

// The command that started us is gone.
process.once('disconnect', () => process.exit(1));

async function measure({ trial, dataFolder }: StepsOrder): Promise<TrialCosts> {
  const workload = await loadWorkloadOf(trial);
  const pruner = trial.pruner && (await loadPruner(trial.pruner));
  const backend = await startFor(trial);
  return measureSteps(trial, workload, pruner, {
    ...{ backend, dataFolder },
    // Of this process: starting it takes time, too.
    startedAt: 0,
    memoryBytes: () => process.resourceUsage().maxRSS * 1024,
  });
}

function finish(message: StepsMessage): void {
  process.send?.(message, () => process.exit(message.type === 'measured' ? 0 : 1));
}
